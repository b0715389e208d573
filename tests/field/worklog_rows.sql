-- The small tables' rows, made from counters so that they are the same each time. Dates count
-- back from the moment in temp.clock. Logs, worklogs and what refers to these are not here.

CREATE TEMP TABLE counter AS
    WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) SELECT n FROM c;
CREATE TEMP VIEW ago AS
    SELECT n, datetime(now, '-' || (n * 7919 % 9600) || ' hours') AS moment FROM counter, clock;

INSERT INTO companies(name, domain, created_at)
    SELECT 'Company ' || n, 'company' || n || '.example', moment FROM ago WHERE n <= 5;
INSERT INTO oauth_users(google_id, email, name, company_id, last_login_at)
    SELECT 10000000000 + n * 7919, 'user' || n || '@company' || (n % 5 + 1) || '.example',
        'User ' || n, n % 5 + 1, moment FROM ago WHERE n <= 200;
INSERT INTO auth_sessions
    SELECT printf('%016x', n * 2654435761), n % 200 + 1, printf('jti-%012x', n * 40503), moment, NULL
    FROM ago WHERE n <= 5000;
INSERT INTO invitations
    SELECT printf('inv-%06d', n), 'guest' || n || '@example.org', n % 5 + 1, n % 200 + 1,
        printf('%032x', n * 7919), moment FROM ago WHERE n <= 100;
INSERT INTO auth_audit_log(company_id, user_id, event_type, ip_address, details, created_at)
    SELECT n % 5 + 1, n % 200 + 1, CASE n % 3 WHEN 0 THEN 'login' WHEN 1 THEN 'refresh' ELSE 'logout' END,
        '10.0.' || (n % 200) || '.' || (n % 250), '{"agent":"Mozilla/5.0","attempt":' || (n % 4) || '}', moment
    FROM ago;
INSERT INTO teams(name, company_id, created_at, updated_at)
    SELECT 'Team ' || n, n % 5 + 1, moment, moment FROM ago WHERE n <= 40;
INSERT INTO users(email, first_name, last_name, role, team_id, company_id)
    SELECT 'user' || n || '@company' || (n % 5 + 1) || '.example', 'First' || n, 'Last' || n, 'DEV',
        n % 40 + 1, n % 5 + 1 FROM counter WHERE n <= 400;
INSERT INTO jira_instances(name, url, company_id)
    SELECT 'instance-' || n, 'https://instance-' || n || '.example', n % 5 + 1 FROM counter WHERE n <= 10;
INSERT INTO jira_instance_issue_types(jira_instance, issue_type_name)
    SELECT 'instance-' || (n / 10 + 1), 'Type ' || (n % 10) FROM counter WHERE n < 100;
INSERT INTO user_jira_accounts(user_id, jira_instance, account_id)
    SELECT n % 400 + 1, 'instance-' || (n / 400 % 10 + 1), printf('5f%022x', n * 7919)
    FROM counter WHERE n < 4000;
INSERT INTO complementary_groups(name, company_id)
    SELECT 'Group ' || n, n FROM counter WHERE n <= 5;
INSERT INTO complementary_group_members(group_id, instance_id)
    SELECT n % 5 + 1, n FROM counter WHERE n <= 10;
INSERT INTO epics(epic_key, epic_name, jira_instance, total_seconds, company_id, updated_at)
    SELECT 'EPIC-' || (n * 7919 % 3001), 'Epic ' || n, 'instance-' || (n % 10 + 1), n * 3600, n % 5 + 1,
        moment FROM ago WHERE n <= 3000;
INSERT INTO issues
    SELECT 'PROJ-' || (n * 7919 % 20011), 'instance-' || (n % 10 + 1),
        'What issue ' || n || ' is about, in the words of whoever opened it', 'Type ' || (n % 10),
        'Done', 'EPIC-' || (n % 3001), moment FROM ago;
INSERT INTO linked_issues(issue_key, linked_key, source_instance, target_instance)
    SELECT 'PROJ-' || n, 'PROJ-' || (n * 7919 % 20011), 'instance-1', 'instance-2'
    FROM counter WHERE n <= 2000;
INSERT INTO sync_history(company_id, jira_instance, started_at, completed_at, status, worklogs_synced)
    SELECT n % 5 + 1, 'instance-' || (n % 10 + 1), moment, datetime(moment, '+40 seconds'), 'SUCCESS',
        n % 500 FROM ago WHERE n <= 10000;
INSERT INTO billing_clients(company_id, name)
    SELECT n % 5 + 1, 'Client ' || n FROM counter WHERE n <= 50;
INSERT INTO billing_projects(client_id, name, default_hourly_rate)
    SELECT n % 50 + 1, 'Billing project ' || n, 60 + n % 60 FROM counter WHERE n <= 200;
INSERT INTO billing_project_mappings(billing_project_id, jira_instance, jira_project_key)
    SELECT n % 200 + 1, 'instance-' || (n % 10 + 1), 'PROJ' FROM counter WHERE n <= 400;
INSERT INTO billing_rates(billing_project_id, user_email, issue_type, hourly_rate, valid_from)
    SELECT n % 200 + 1, 'user' || (n % 400) || '@company1.example', 'Type ' || (n % 10), 50 + n % 90,
        date(moment) FROM ago WHERE n <= 5000;
INSERT INTO invoices(client_id, invoice_number, period_start, period_end, status, total_amount)
    SELECT n % 50 + 1, 'INV-' || n, date(moment), date(moment, '+1 month'), 'PAID', n * 10
    FROM ago WHERE n <= 600;
INSERT INTO invoice_line_items(invoice_id, description, quantity_hours, hourly_rate, amount)
    SELECT n % 600 + 1, 'Work on PROJ-' || n, n % 160, 80, n % 160 * 80 FROM counter WHERE n <= 6000;
INSERT INTO packages(company_id, name) SELECT n % 5 + 1, 'Package ' || n FROM counter WHERE n <= 20;
INSERT INTO package_template_elements(package_id, element_name, sort_order)
    SELECT n % 20 + 1, 'Element ' || n, n FROM counter WHERE n <= 200;
INSERT INTO factorial_config(company_id, api_key)
    SELECT n, printf('key-%016x', n * 7919) FROM counter WHERE n <= 5;
INSERT INTO user_factorial_accounts(user_id, factorial_employee_id)
    SELECT n, 100000 + n FROM counter WHERE n <= 400;
INSERT INTO factorial_leaves(user_id, leave_type, start_date, finish_date, status)
    SELECT n % 400 + 1, 'holiday', date(moment), date(moment, '+5 days'), 'approved'
    FROM ago WHERE n <= 5000;
INSERT INTO holidays(name, holiday_date, country)
    SELECT 'Holiday ' || n, date(now, '-' || (n * 9) || ' days'), 'ES' FROM counter, clock WHERE n <= 120;
INSERT INTO query_log(sql, time_ms, logged_at)
    SELECT 'SELECT * FROM worklogs WHERE company_id = ? AND author_email = ?', n * 7919 % 1200, moment
    FROM ago;
