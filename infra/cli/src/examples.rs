//! The examples in `--help` and in the manual pages, of every command.

/// Each example with what it does.
pub(crate) const EXAMPLES: [(&str, &[(&str, &str)]); 20] = [
    (
        "run",
        &[
            ("cargo ibov run", "today's portfolio, added to .ibov/lake"),
            ("cargo ibov run --sample", "the whole chain, without asking B3"),
            ("cargo ibov run --sample --keep", "and leave the stack up, to try the other commands"),
            ("cargo ibov run --proxy http://proxy.example:3128", "behind a proxy"),
            ("cargo ibov run --quiet", "one line, for cron"),
            ("cargo ibov run --sample --timings", "and say where each second went"),
        ],
    ),
    (
        "fetch",
        &[
            ("cargo ibov fetch", "have the local stack fetch again"),
            ("cargo ibov fetch --stack ibov", "have the stack in AWS fetch now"),
        ],
    ),
    (
        "parked",
        &[
            ("cargo ibov parked", "all stages of the local stack"),
            ("cargo ibov parked parquet --stack ibov", "one stage of the stack in AWS"),
            (
                "cargo ibov parked fetch --code b3-html --limit 50",
                "what failed alike, message by message",
            ),
        ],
    ),
    (
        "redrive",
        &[
            ("cargo ibov redrive fetch", "replay what the local fetcher parked"),
            ("cargo ibov redrive glue --stack ibov", "the same for a stage in AWS"),
            ("cargo ibov redrive fetch --code b3-html --dry-run", "which messages these would be"),
        ],
    ),
    (
        "refine",
        &[
            ("cargo ibov refine --date 2026-11-20", "refine a date that has a raw file"),
            (
                "cargo ibov refine --date 2026-11-20 --force --stack ibov",
                "again, after a correction of the job",
            ),
        ],
    ),
    (
        "b3",
        &[
            ("cargo ibov b3 totals", "from now on the quantities do not add up"),
            ("cargo ibov b3 503", "from now on HTTP 503"),
            ("cargo ibov b3 ok", "B3 is back to normal"),
        ],
    ),
    (
        "query",
        &[
            (
                "cargo ibov query 'SELECT data, sum(soma_part) AS total FROM tb_ibov_refined GROUP BY data'",
                "your own SQL, over the days in .ibov/lake",
            ),
            (
                "cargo ibov query --name session --param 2026-11-20",
                "one that the stack keeps, with a value",
            ),
            (
                "cargo ibov query --name stock-history --param PETR4 --out petr4.xlsx",
                "into a workbook",
            ),
            ("cargo ibov query 'SELECT 1' --stack ibov", "in AWS"),
        ],
    ),
    (
        "queries",
        &[
            ("cargo ibov queries", "names, and what each wants"),
            ("cargo ibov queries --stack ibov", "those of the stack in AWS"),
        ],
    ),
    (
        "completions",
        &[
            (
                "cargo ibov completions bash > ~/.local/share/bash-completion/completions/ibov",
                "bash",
            ),
            ("cargo ibov completions zsh > ~/.zfunc/_ibov", "zsh, with ~/.zfunc on its fpath"),
            ("cargo ibov completions fish > ~/.config/fish/completions/ibov.fish", "fish"),
        ],
    ),
    (
        "man",
        &[
            (
                "cargo ibov man --out ~/.local/share/man/man1",
                "then `man ibov` and `man ibov-run` show them",
            ),
            ("cargo ibov man | man -l -", "read all pages at once"),
        ],
    ),
    (
        "import",
        &[
            (
                "cargo ibov import ~/b3/",
                "every *.json, *.json.gz and *.csv in this folder and below",
            ),
            ("cargo ibov import IBOVDia_31-07-25.csv", "a file of B3's site"),
            (
                "cargo ibov import --segment 1 IBOVDia_31-07-25.csv",
                "without sectors: a lake of its own",
            ),
        ],
    ),
    (
        "reprocess",
        &[
            (
                "cargo ibov reprocess --from 2026-11-02 --to 2026-11-20",
                "after a correction of the functions or the job",
            ),
            (
                "cargo ibov reprocess --from 2026-11-20 --to 2026-11-20 --stack ibov",
                "one date, in AWS",
            ),
        ],
    ),
    (
        "chart",
        &[
            ("cargo ibov chart", "the sectors of the newest day"),
            (
                "cargo ibov chart --date 2026-11-25 --by stock --top 20",
                "the heaviest stocks of a day",
            ),
            ("cargo ibov chart --out sectors.svg", "as a drawing"),
        ],
    ),
    (
        "history",
        &[
            ("cargo ibov history PETR4", "a stock"),
            ("cargo ibov history petroleo --from 2026-01-01", "a sector, by a part of its name"),
            ("cargo ibov history VALE3 --out vale3.svg", "as a drawing"),
        ],
    ),
    (
        "diff",
        &[
            ("cargo ibov diff", "the newest day and the one before"),
            ("cargo ibov diff 2026-11-25", "this day and the one before"),
            ("cargo ibov diff 2026-09-04 2026-09-07 --top 20", "two days, with more moves"),
        ],
    ),
    (
        "report",
        &[
            ("cargo ibov report", "ibov-<date>.html, in the current folder"),
            (
                "cargo ibov report --lang pt --out hoje.html",
                "in Portuguese, into a file of your own",
            ),
        ],
    ),
    (
        "status",
        &[
            ("cargo ibov status", "the local stack that is up"),
            ("cargo ibov status --stack ibov --region sa-east-1", "the stack in AWS"),
            (
                "cargo ibov status --stack ibov --json",
                "for a monitor, which looks at the exit code too",
            ),
        ],
    ),
    (
        "logs",
        &[
            ("cargo ibov logs fetch", "the last hour of the fetcher"),
            ("cargo ibov logs glue --since 24h --stack ibov", "a day of glue-trigger, in AWS"),
            ("cargo ibov logs parquet --follow", "new lines as they come"),
        ],
    ),
    (
        "discard",
        &[
            ("cargo ibov discard --message 1f3c9a52-0d4e-4b52-8a35-2f0a54c0f6c1", "asks first"),
            (
                "cargo ibov discard --message 1f3c9a52-0d4e-4b52-8a35-2f0a54c0f6c1 --yes",
                "for scripts",
            ),
        ],
    ),
    (
        "doctor",
        &[
            ("cargo ibov doctor", "this machine, and the local stack if one is up"),
            (
                "cargo ibov doctor --stack ibov --profile work",
                "credentials, rights and the stack in AWS",
            ),
        ],
    ),
];
