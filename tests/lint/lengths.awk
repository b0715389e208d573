# Files of at most 400 lines, functions of at most 60, counted from the line of their opening brace
# in the first column to that of the closing one, as .clang-format lays them out.

function over(name, line, what, have, most)
{
    if (have <= most)
        return
    printf "%s:%d: %s of %d lines, at most %d\n", name, line, what, have, most
    wrong = 1
}

FNR == 1 && NR > 1 { over(last, 1, "a file", lines, 400) }
{ last = FILENAME; lines = FNR }
/^\{/ { opened = FNR }
/^\}/ && opened { over(FILENAME, opened, "a function", FNR - opened - 1, 60); opened = 0 }
END {
    over(last, 1, "a file", lines, 400)
    exit wrong
}
