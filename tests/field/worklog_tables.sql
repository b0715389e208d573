-- The schema of a Jira worklog dashboard, as it grew: several tenants in one database, and its
-- flaws kept. Unique names that are not scoped to a company, group members without one, an index
-- on an expression that no query uses, logs that nobody ever deletes, and the composite indexes
-- missing that its most frequent queries need.

CREATE TABLE companies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    domain TEXT UNIQUE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE oauth_users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    google_id TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    name TEXT,
    role TEXT NOT NULL DEFAULT 'USER',
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    last_login_at TIMESTAMP
);
CREATE TABLE auth_sessions (
    id TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES oauth_users(id) ON DELETE CASCADE,
    access_token_jti TEXT NOT NULL UNIQUE,
    expires_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE TABLE invitations (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    invited_by INTEGER REFERENCES oauth_users(id) ON DELETE SET NULL,
    token TEXT NOT NULL UNIQUE,
    expires_at TIMESTAMP NOT NULL
);
CREATE TABLE auth_audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER REFERENCES companies(id) ON DELETE CASCADE,
    user_id INTEGER REFERENCES oauth_users(id) ON DELETE SET NULL,
    event_type TEXT NOT NULL,
    ip_address TEXT,
    details TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE teams (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(name)
);
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    role TEXT,
    team_id INTEGER REFERENCES teams(id) ON DELETE SET NULL,
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    UNIQUE(email)
);
CREATE TABLE jira_instances (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    api_token TEXT,
    is_active INTEGER NOT NULL DEFAULT 1,
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    UNIQUE(name)
);
CREATE TABLE jira_instance_issue_types (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    jira_instance TEXT NOT NULL,
    issue_type_name TEXT NOT NULL,
    UNIQUE(jira_instance, issue_type_name)
);
CREATE TABLE user_jira_accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    jira_instance TEXT NOT NULL,
    account_id TEXT NOT NULL,
    UNIQUE(user_id, jira_instance)
);
CREATE TABLE complementary_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE
);
CREATE TABLE complementary_group_members (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL REFERENCES complementary_groups(id),
    instance_id INTEGER NOT NULL REFERENCES jira_instances(id)
);
CREATE TABLE epics (
    epic_key TEXT NOT NULL,
    epic_name TEXT,
    jira_instance TEXT NOT NULL,
    total_seconds INTEGER,
    company_id INTEGER REFERENCES companies(id) ON DELETE CASCADE,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (epic_key, jira_instance)
);
CREATE TABLE issues (
    issue_key TEXT NOT NULL,
    jira_instance TEXT NOT NULL,
    summary TEXT,
    issue_type TEXT,
    status TEXT,
    parent_key TEXT,
    updated_at TIMESTAMP,
    PRIMARY KEY (issue_key, jira_instance)
);
CREATE TABLE linked_issues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issue_key TEXT NOT NULL,
    linked_key TEXT NOT NULL,
    source_instance TEXT NOT NULL,
    target_instance TEXT NOT NULL
);
CREATE TABLE sync_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER REFERENCES companies(id) ON DELETE CASCADE,
    jira_instance TEXT,
    started_at TIMESTAMP NOT NULL,
    completed_at TIMESTAMP,
    status TEXT NOT NULL,
    worklogs_synced INTEGER,
    error_message TEXT
);
CREATE TABLE worklogs (
    id TEXT PRIMARY KEY,
    issue_key TEXT NOT NULL,
    issue_summary TEXT,
    author_email TEXT NOT NULL,
    author_display_name TEXT,
    time_spent_seconds INTEGER,
    started DATETIME NOT NULL,
    jira_instance TEXT NOT NULL,
    parent_key TEXT,
    parent_name TEXT,
    parent_type TEXT,
    epic_key TEXT,
    epic_name TEXT,
    data TEXT NOT NULL,
    company_id INTEGER REFERENCES companies(id) ON DELETE CASCADE,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE billing_clients (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    billing_currency TEXT NOT NULL DEFAULT 'EUR'
);
CREATE TABLE billing_projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id INTEGER NOT NULL REFERENCES billing_clients(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    default_hourly_rate REAL
);
CREATE TABLE billing_project_mappings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    billing_project_id INTEGER NOT NULL REFERENCES billing_projects(id) ON DELETE CASCADE,
    jira_instance TEXT NOT NULL,
    jira_project_key TEXT NOT NULL
);
CREATE TABLE billing_rates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    billing_project_id INTEGER REFERENCES billing_projects(id) ON DELETE CASCADE,
    user_email TEXT,
    issue_type TEXT,
    hourly_rate REAL NOT NULL,
    valid_from DATE,
    valid_to DATE
);
CREATE TABLE billing_worklog_classifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    worklog_id TEXT NOT NULL UNIQUE REFERENCES worklogs(id) ON DELETE CASCADE,
    billable INTEGER NOT NULL DEFAULT 1,
    override_hourly_rate REAL,
    note TEXT
);
CREATE TABLE invoices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id INTEGER NOT NULL REFERENCES billing_clients(id) ON DELETE CASCADE,
    invoice_number TEXT,
    period_start DATE NOT NULL,
    period_end DATE NOT NULL,
    status TEXT NOT NULL DEFAULT 'DRAFT',
    total_amount REAL
);
CREATE TABLE invoice_line_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    invoice_id INTEGER NOT NULL REFERENCES invoices(id) ON DELETE CASCADE,
    description TEXT NOT NULL,
    quantity_hours REAL,
    hourly_rate REAL,
    amount REAL
);
CREATE TABLE packages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL REFERENCES companies(id) ON DELETE CASCADE,
    name TEXT NOT NULL
);
CREATE TABLE package_template_elements (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    package_id INTEGER NOT NULL REFERENCES packages(id) ON DELETE CASCADE,
    element_name TEXT NOT NULL,
    sort_order INTEGER
);
CREATE TABLE factorial_config (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    company_id INTEGER NOT NULL UNIQUE REFERENCES companies(id) ON DELETE CASCADE,
    api_key TEXT NOT NULL
);
CREATE TABLE user_factorial_accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL UNIQUE REFERENCES users(id) ON DELETE CASCADE,
    factorial_employee_id INTEGER NOT NULL
);
CREATE TABLE factorial_leaves (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    leave_type TEXT NOT NULL,
    start_date DATE NOT NULL,
    finish_date DATE NOT NULL,
    status TEXT NOT NULL
);
CREATE TABLE holidays (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    holiday_date DATE NOT NULL,
    country TEXT NOT NULL,
    UNIQUE(holiday_date, country)
);
CREATE TABLE logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TIMESTAMP NOT NULL,
    level TEXT NOT NULL,
    endpoint TEXT,
    method TEXT,
    status_code INTEGER,
    duration_ms REAL,
    user_email TEXT,
    company_id INTEGER,
    request_id TEXT,
    message TEXT
);
CREATE TABLE query_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sql TEXT NOT NULL,
    time_ms REAL NOT NULL,
    logged_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);

CREATE INDEX idx_worklogs_company ON worklogs(company_id);
CREATE INDEX idx_worklogs_company_started ON worklogs(company_id, started);
CREATE INDEX idx_worklogs_author ON worklogs(author_email);
CREATE INDEX idx_worklogs_instance ON worklogs(jira_instance);
CREATE INDEX idx_worklogs_started_date ON worklogs(date(started));
CREATE INDEX idx_logs_timestamp ON logs(timestamp);
CREATE INDEX idx_logs_level ON logs(level);
CREATE INDEX idx_logs_endpoint ON logs(endpoint);
CREATE INDEX idx_oauth_users_company ON oauth_users(company_id);
CREATE INDEX idx_oauth_users_google_id ON oauth_users(google_id);
CREATE INDEX idx_auth_sessions_user ON auth_sessions(user_id);
CREATE INDEX idx_auth_sessions_expires ON auth_sessions(expires_at);
CREATE INDEX idx_invitations_company ON invitations(company_id);
CREATE INDEX idx_invitations_email ON invitations(email);
CREATE INDEX idx_auth_audit_company ON auth_audit_log(company_id, created_at);
CREATE INDEX idx_auth_audit_user ON auth_audit_log(user_id);
CREATE INDEX idx_teams_company ON teams(company_id);
CREATE INDEX idx_users_team ON users(team_id);
CREATE INDEX idx_users_email ON users(email);
CREATE INDEX idx_users_company ON users(company_id);
CREATE INDEX idx_jira_instances_company ON jira_instances(company_id);
CREATE INDEX idx_user_jira_accounts_user ON user_jira_accounts(user_id);
CREATE INDEX idx_complementary_groups_company ON complementary_groups(company_id);
CREATE INDEX idx_complementary_members_group ON complementary_group_members(group_id);
CREATE INDEX idx_epics_company ON epics(company_id);
CREATE INDEX idx_epics_instance ON epics(jira_instance);
CREATE INDEX idx_issues_instance ON issues(jira_instance);
CREATE INDEX idx_issues_parent ON issues(parent_key);
CREATE INDEX idx_linked_issues_key ON linked_issues(issue_key);
CREATE INDEX idx_sync_history_company ON sync_history(company_id, started_at);
CREATE INDEX idx_billing_clients_company ON billing_clients(company_id);
CREATE INDEX idx_billing_projects_client ON billing_projects(client_id);
CREATE INDEX idx_billing_mappings_project ON billing_project_mappings(billing_project_id);
CREATE INDEX idx_billing_rates_project ON billing_rates(billing_project_id);
CREATE INDEX idx_invoices_client ON invoices(client_id, status);
CREATE INDEX idx_invoice_items_invoice ON invoice_line_items(invoice_id);
CREATE INDEX idx_packages_company ON packages(company_id);
CREATE INDEX idx_package_elements_package ON package_template_elements(package_id);
CREATE INDEX idx_factorial_leaves_user ON factorial_leaves(user_id);
CREATE INDEX idx_holidays_date ON holidays(holiday_date);
