//! The commands over a store, each over SQLite and over Postgres.

use serde_json::{Value, json};

use super::database::{
    ADA, BOATS, BOATS_NUMBER, BRAM, Database, MASKED, NUMBER, PERSONAL, databases,
};
use super::{run, run_with};

pub(crate) fn json_lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Returns the numbers of open and dead events.
fn backlog(database: &Database) -> (u64, u64) {
    let run = database.run(&["backlog", "--json"]);
    assert_eq!(run.code, 0, "{}", run.errors);
    let backlog: Value = serde_json::from_str(&run.out).unwrap();
    (
        backlog["open"].as_u64().unwrap(),
        backlog["dead"].as_u64().unwrap(),
    )
}

#[test]
fn backlog_counts_dead_letters() {
    for database in databases() {
        let run = database.run(&["backlog"]);
        let text = "open 0 due 0 leased 0 held back 0 dead 2 unreadable 1\n";
        assert_eq!((run.code, &*run.out), (0, text), "{}", run.errors);
    }
}

#[test]
fn check_finds_no_fault_in_a_store_and_an_event_that_is_too_old() {
    for database in databases() {
        let run = database.run(&["check"]);
        assert_eq!(run.code, 0, "{}", run.errors);
        let backlog = "\nbacklog         open 0 due 0 leased 0 held back 0 dead 2 unreadable 1\n";
        assert!(run.out.contains(backlog), "{}", run.out);
        assert!(run.out.ends_with("\nfaults          0\n"), "{}", run.out);

        database.run(&["dead", "requeue", "--all"]);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let old = database.run(&["check", "--max-age", "0s", "--json"]);
        let json: Value = serde_json::from_str(&old.out).unwrap();
        assert_eq!((old.code, &json["is_ok"]), (1, &json!(false)));
        let fault = json["faults"][0].as_str().unwrap();
        assert!(
            fault.starts_with("expected open events of at most 0 s"),
            "{fault}"
        );
        assert_eq!(json["expected_version"], json["version"]);
        assert_eq!(json["backlog"]["open"], 2);
        assert_eq!(database.run(&["check", "--max-age", "1h"]).code, 0);
    }
}

#[test]
fn check_finds_damage_another_version_and_an_empty_file_and_creates_none() {
    let databases = databases();
    let sqlite = &databases[0];
    assert!(sqlite.is_sqlite());
    let check = |path: &str| run(&["check", "--database", path, "--json"]);
    let faults = |run: &super::Run| {
        assert_eq!(run.code, 1, "{}", run.errors);
        let json: Value = serde_json::from_str(&run.out).unwrap();
        assert!(json["backlog"].is_null());
        json["faults"].as_array().unwrap().clone()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    let path = path.to_str().unwrap();
    let bytes = std::fs::read(sqlite.url()).unwrap();

    let mut damaged = bytes.clone();
    let len = damaged.len();
    damaged[8192..len / 2].fill(0);
    std::fs::write(path, &damaged).unwrap();
    assert!(!faults(&check(path)).is_empty());

    // The header of a file has the version at byte 60.
    let mut newer = bytes;
    newer[60..64].copy_from_slice(&9_u32.to_be_bytes());
    std::fs::write(path, &newer).unwrap();
    let newer = "expected version 2 of the tables, found version 9 of a newer whatsapp-signals";
    assert_eq!(faults(&check(path)), [newer]);

    std::fs::write(path, "").unwrap();
    let none = "expected version 2 of the tables, found none";
    assert_eq!(faults(&check(path)), [none]);
    let backlog = run(&["backlog", "--database", path]);
    assert_eq!((backlog.code, &*backlog.out), (3, ""));
    assert_eq!(
        backlog.errors,
        format!("error: opening {path} failed: the file is empty\n")
    );
    assert_eq!(std::fs::read(path).unwrap(), b"", "it has no tables");

    std::fs::remove_file(path).unwrap();
    let missing = check(path);
    assert_eq!((missing.code, &*missing.out), (3, ""));
    assert!(
        missing.errors.starts_with("error: opening "),
        "{}",
        missing.errors
    );
    assert!(!std::path::Path::new(path).exists());
}

#[test]
fn dead_list_satisfies_the_filter() {
    for database in databases() {
        let list = |args: &[&str]| {
            let run = database.run(&[&["dead", "list", "--json"], args].concat());
            assert_eq!(run.code, 0, "{}", run.errors);
            json_lines(&run.out)
        };
        let all = list(&[]);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0]["key"], MASKED);
        assert_eq!(all[0]["failed"], json!(["crm"]));
        assert_eq!(all[0]["event"]["user"], "3197…202");
        assert!(all[1]["event"].is_null(), "it is no webhook");
        for filter in [
            ["--receiver", "crm"],
            ["--signal", "message_received"],
            ["--number", NUMBER],
            ["--tenant", "900800700600500"],
        ] {
            assert_eq!(list(&filter), all[..1], "{filter:?}");
        }
        assert_eq!(list(&["--limit", "1"]), all[..1]);
        let position = all[0]["position"].as_str().unwrap();
        assert_eq!(list(&["--after", position]), all[1..]);
        let page = database.run(&["dead", "list", "--limit", "1"]).out;
        let next = format!("\nnext page: --after {position}\n");
        assert!(page.ends_with(&next), "{page}");
        assert_eq!(list(&["--newer-than", "1h"]), all);
        for filter in [
            ["--receiver", "answer"],
            ["--tenant", "520400300200800"],
            ["--older-than", "1h"],
        ] {
            assert_eq!(list(&filter), Vec::<Value>::new(), "{filter:?}");
        }
        let unknown = database.run(&["dead", "list", "--number", "300200100500601"]);
        assert_eq!((unknown.code, &*unknown.out), (1, ""));
        let text = "error: expected a number that has received an event, found 300200100500601\n";
        assert_eq!(unknown.errors, text);
    }
}

#[test]
fn dead_show_takes_the_masked_key_and_shows_the_body_by_option() {
    for database in databases() {
        let masked = database.run(&["dead", "show", MASKED]);
        assert_eq!(masked.code, 0, "{}", masked.errors);
        assert!(
            masked
                .out
                .contains("\nsignal    message_received\nuser      3197…202\n"),
            "{}",
            masked.out
        );
        let shown = database
            .run(&["dead", "show", MASKED, "--show-personal", "--json"])
            .out;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["event"]["user"], BRAM);
        assert_eq!(shown["errors"]["crm"], "the CRM is down");
        let text = database
            .run(&["dead", "show", MASKED, "--show-personal"])
            .out;
        assert!(
            text.contains("\nerror     crm: the CRM is down\n"),
            "{text}"
        );
        assert!(!masked.out.contains("CRM is down"), "{}", masked.out);
        assert!(
            shown["body"]
                .as_str()
                .unwrap()
                .contains("Lantern Street is down")
        );
        let key = shown["key"].as_str().unwrap();
        assert_eq!(database.run(&["dead", "show", key]).out, masked.out);

        let missing = database.run(&["dead", "show", "message_received:wamid.A:text"]);
        assert_eq!((missing.code, &*missing.out), (1, ""));
        assert_eq!(
            missing.errors,
            "error: there is no dead letter with this key\n"
        );
    }
}

#[test]
fn dead_requeue_opens_the_filtered_letters_and_a_dry_run_none() {
    for database in databases() {
        let dry = database.run(&["dead", "requeue", "--receiver", "crm", "--dry-run"]);
        assert_eq!(dry.code, 0, "{}", dry.errors);
        assert!(dry.out.contains(MASKED), "{}", dry.out);
        assert!(
            dry.out.ends_with("\nrequeued 0 of 1 (--dry-run)\n"),
            "{}",
            dry.out
        );
        assert_eq!(backlog(&database), (0, 2));

        let none = database.run(&["dead", "requeue", "--older-than", "1h"]);
        assert_eq!((none.code, &*none.out), (0, "requeued 0\n"));
        let run = database.run(&["dead", "requeue", "--receiver", "crm", "--json"]);
        assert_eq!((run.code, &*run.out), (0, "{\"requeued\":1}\n"));
        assert_eq!(backlog(&database), (1, 1));
    }
}

#[test]
fn replay_opens_the_webhooks_of_a_time_and_a_dry_run_none() {
    for database in databases() {
        let dry = database.run(&["replay", "--since", "1h", "--only", "crm", "--dry-run"]);
        assert_eq!((dry.code, &*dry.out), (0, "replayed 0 of 3 (--dry-run)\n"));
        assert_eq!(backlog(&database), (0, 2));
        let run = database.run(&["replay", "--since", "1h", "--only", "crm", "--json"]);
        let json = "{\"found\":3,\"replayed\":2}\n";
        assert_eq!((run.code, &*run.out), (1, json), "one body is no webhook");
        assert!(run.errors.starts_with("error: the body of the webhook "));
        assert_eq!(
            backlog(&database),
            (2, 2),
            "the program will call the receiver"
        );
        let webhooks = json_lines(&database.run(&["webhooks", "list", "--json"]).out);
        let replays = webhooks
            .iter()
            .filter(|webhook| !webhook["replay_of"].is_null());
        assert_eq!(replays.count(), 2);

        let unlimited = database.run(&["replay", "--since", "1h"]);
        assert_eq!(unlimited.code, 2, "all receivers are called by --all only");
    }
}

#[test]
fn a_tenant_has_its_dead_letters_its_webhooks_and_its_replays() {
    for database in databases() {
        database.add_body_of_two_tenants();
        let (boats, bikes) = (["--tenant", BOATS], ["--tenant", "900800700600500"]);
        for (tenant, counts) in [(boats, "open 0 dead 1\n"), (bikes, "open 0 dead 2\n")] {
            let run = database.run(&["backlog", tenant[0], tenant[1]]);
            assert_eq!((run.code, &*run.out), (0, counts));
            let run = database.run(&["check", tenant[0], tenant[1]]);
            assert!(
                run.out.contains(&format!("\nbacklog         {counts}")),
                "{}",
                run.out
            );
        }
        let run = |args: &[&str], scope: &[&str]| {
            let run = database.run(&[args, scope].concat());
            assert_eq!(run.code, 0, "{args:?} {scope:?}: {}", run.errors);
            run.out
        };
        let webhooks = |scope: &[&str]| json_lines(&run(&["webhooks", "list", "--json"], scope));
        let shared = webhooks(&boats).remove(0);
        assert_eq!((webhooks(&boats).len(), webhooks(&bikes).len()), (1, 3));
        assert_eq!(
            webhooks(&["--number", BOATS_NUMBER]),
            std::slice::from_ref(&shared)
        );
        assert_eq!(shared["signals"], json!({"message_received": 1}));
        assert_eq!(shared["of_others"], 1);
        let show = [
            "webhooks",
            "show",
            shared["id"].as_str().unwrap(),
            "--show-personal",
        ];
        let shown = run(&show, &boats);
        assert!(
            shown.contains("Ahoy") && !shown.contains("Lantern"),
            "{shown}"
        );
        assert!(run(&show, &[]).contains("Lantern"));

        assert_eq!(run(&["dead", "requeue", "--all"], &boats), "requeued 1\n");
        assert_eq!(backlog(&database), (1, 3));
        let replay = ["replay", "--since", "1h", "--only", "crm"];
        assert_eq!(run(&replay, &boats), "replayed 1 of 1\n");
        assert_eq!(
            backlog(&database),
            (2, 3),
            "the event of the other tenant is left alone"
        );
        assert_eq!(
            run(&["dead", "discard", "--receiver", "crm"], &bikes),
            "discarded 2\n"
        );
        assert_eq!(backlog(&database), (2, 1));

        let unknown = database.run(&["webhooks", "list", "--number", "1"]);
        assert_eq!((unknown.code, &*unknown.out), (1, ""));
        let other = database.run(&["webhooks", "show", show[2], "--tenant", "another WABA"]);
        assert_eq!(other.code, 1, "{}", other.out);
    }
}

#[test]
fn a_table_fits_into_the_columns_of_a_terminal() {
    let database = &databases()[0];
    for command in [["dead", "list"], ["webhooks", "list"]] {
        let wide = database.run(&command).out;
        assert_eq!(
            wide.lines().count(),
            database
                .run(&[&command[..], &["--json"]].concat())
                .out
                .lines()
                .count()
                + 1
        );
        let narrow = run_with(
            &command,
            "",
            &[("DATABASE", database.url()), ("COLUMNS", "60")],
        );
        let longest = narrow.out.lines().map(|line| line.chars().count()).max();
        assert!(longest.unwrap() <= 60, "{}", narrow.out);
        let letters = |text: &str| {
            let mut letters: Vec<_> = text.chars().filter(|c| !c.is_whitespace()).collect();
            letters.sort_unstable();
            letters
        };
        assert_eq!(letters(&narrow.out), letters(&wide), "no text is cut off");
        let variables = [("DATABASE", database.url()), ("COLUMNS", "80")];
        let usual = run_with(&command, "", &variables).out;
        let first = wide.lines().last().unwrap().split("  ").next().unwrap();
        assert!(usual.contains(first), "{first} is not whole: {usual}");
    }
}

#[test]
fn dead_discard_finishes_the_letters_with_the_keys() {
    for database in databases() {
        let dry = database
            .run(&["dead", "discard", "--all", "--dry-run", "--json"])
            .out;
        assert_eq!(
            json_lines(&dry).pop(),
            Some(json!({"discarded": 0, "found": 2}))
        );
        let args = ["dead", "discard", MASKED, "message_received:wamid.A:text"];
        let run = database.run(&args);
        assert_eq!(
            (run.code, &*run.out),
            (1, "discarded 1\n"),
            "one key is unknown"
        );
        assert_eq!(backlog(&database), (0, 1));
        let run = database.run(&["dead", "discard", "--all"]);
        assert_eq!((run.code, &*run.out), (0, "discarded 1\n"));
        assert_eq!(backlog(&database), (0, 0));
    }
}

#[test]
fn a_discarded_webhook_stays_with_log_webhooks() {
    for database in databases() {
        let webhooks = || json_lines(&database.run(&["webhooks", "list", "--json"]).out).len();
        assert_eq!(webhooks(), 3);
        database.run(&["dead", "discard", "--receiver", "crm", "--log-webhooks"]);
        assert_eq!(webhooks(), 3);
        database.run(&["dead", "discard", "--all"]);
        assert_eq!(webhooks(), 2);
    }
}

#[test]
fn webhooks_are_listed_by_signals_and_shown_by_id() {
    for database in databases() {
        let list = json_lines(&database.run(&["webhooks", "list", "--json"]).out);
        let opened: Vec<_> = list
            .iter()
            .map(|line| (&line["dead"], &line["signals"]))
            .collect();
        let signals = json!({"message_received": 1});
        assert_eq!(
            opened,
            [
                (&json!(0), &signals),
                (&json!(1), &signals),
                (&json!(1), &Value::Null)
            ]
        );
        let id = list[1]["id"].as_str().unwrap();
        let after = json_lines(
            &database
                .run(&["webhooks", "list", "--json", "--after", id])
                .out,
        );
        assert_eq!(after, list[2..]);

        let shown = database.run(&["webhooks", "show", id]);
        assert_eq!(shown.code, 0, "{}", shown.errors);
        assert!(
            shown.out.contains("message_received  3197…202  "),
            "{}",
            shown.out
        );
        let shown = database
            .run(&["webhooks", "show", id, "--show-personal", "--json"])
            .out;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert!(shown["body"].as_str().unwrap().contains("Lantern Street"));
        assert_eq!(shown["events"][0]["user"], BRAM);
        assert_eq!(database.run(&["webhooks", "show", "1"]).code, 1);
    }
}

#[test]
fn a_conversation_has_texts_by_option() {
    for database in databases() {
        let masked = database.run(&["conversation", "+1 (555) 010-1001"]);
        assert_eq!(masked.code, 0, "{}", masked.errors);
        assert!(masked.out.contains("inbound    text"), "{}", masked.out);
        assert!(masked.out.ends_with("\nmessages 1\n"), "{}", masked.out);
        let shown = database.run(&["conversation", ADA, "--number", NUMBER, "--show-personal"]);
        assert!(
            shown.out.contains("I live in Lantern Street"),
            "{}",
            shown.out
        );
        let other = database.run(&["conversation", ADA, "--tenant", "another WABA"]);
        assert_eq!(
            (other.code, other.out.lines().last()),
            (0, Some("messages 0"))
        );
        let unknown = database.run(&["conversation", ADA, "--number", "1"]);
        assert_eq!(unknown.code, 1);
        assert!(
            unknown
                .errors
                .starts_with("error: expected a number that has"),
            "{}",
            unknown.errors
        );
    }
}

#[test]
fn an_erased_user_has_no_data_and_a_dry_run_erases_nothing() {
    for database in databases() {
        let rows = "contacts 1 messages 1 statuses 0 events 1 unreadable 1\n";
        let dry = database.run(&["erase", BRAM, "--dry-run"]);
        assert_eq!(
            (dry.code, dry.out),
            (0, format!("would erase: {rows}")),
            "{}",
            dry.errors
        );
        let data: Value =
            serde_json::from_str(&database.run(&["export", BRAM, "--json"]).out).unwrap();
        assert_eq!(data["contacts"][0]["contact"]["name"], "Bram de Wit");

        let run = database.run(&["erase", BRAM]);
        assert_eq!(run.code, 0, "{}", run.errors);
        // Postgres keeps deleted rows until it is vacuumed.
        let remains = "deleted text may remain in the files until they are vacuumed\n";
        let rest = run.out.strip_prefix(&format!("erased: {rows}")).unwrap();
        assert_eq!(rest, if database.is_sqlite() { "" } else { remains });
        let again = database.run(&["erase", BRAM]);
        assert_eq!(again.code, 1);
        assert_eq!(again.errors, "error: there is no data of this user\n");
        let data = database.run(&["export", BRAM, "--json"]).out;
        let data: Value = serde_json::from_str(&data).unwrap();
        assert!(
            data.as_object()
                .unwrap()
                .values()
                .all(|rows| rows == &json!([])),
            "{data}"
        );
        let ada = database.run(&["conversation", ADA]);
        assert!(ada.out.ends_with("\nmessages 1\n"), "{}", ada.out);
    }
}

#[test]
fn masked_output_has_no_personal_data_of_the_store() {
    for database in databases() {
        let list = json_lines(&database.run(&["webhooks", "list", "--json"]).out);
        let id = list[1]["id"].as_str().unwrap();
        let commands: [&[&str]; 9] = [
            &["backlog"],
            &["dead", "list"],
            &["dead", "show", MASKED],
            &["dead", "requeue", "--all", "--dry-run"],
            &["dead", "discard", "--all", "--dry-run"],
            &["webhooks", "list"],
            &["webhooks", "show", id],
            &["conversation", ADA],
            &["erase", ADA, "--dry-run"],
        ];
        for command in commands {
            for format in [&[][..], &["--json"]] {
                let run = database.run(&[command, format].concat());
                assert_eq!(run.code, 0, "{command:?}: {}", run.errors);
                let printed = run.out + &run.errors;
                for text in PERSONAL {
                    assert!(
                        !printed.contains(text),
                        "{command:?}: {text} is in {printed}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_choice_of_dead_letters_is_explicit() {
    for args in [
        &["dead", "requeue"][..],
        &["dead", "discard", "--limit", "5"],
    ] {
        let run = run_with(args, "", &[("DATABASE", "bikes.db")]);
        assert_eq!((run.code, &*run.out), (2, ""), "{args:?}");
        assert_eq!(
            run.errors,
            "error: expected a key, a filter or --all, found none\n"
        );
    }
    assert_eq!(run(&["dead", "requeue", "KEY", "--all"]).code, 2);
    assert_eq!(run(&["backlog"]).code, 2, "there is no database");
}

#[test]
fn a_missing_file_is_a_failure_and_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bikes.db");
    let run = run(&["backlog", "--database", path.to_str().unwrap()]);
    assert_eq!((run.code, &*run.out), (3, ""));
    assert!(run.errors.starts_with("error: opening "), "{}", run.errors);
    assert!(!path.exists());
}

#[test]
fn a_file_of_another_program_is_a_failure() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "not a database, but quite a long text about gravel bikes".repeat(20),
    )
    .unwrap();
    let run = run(&["backlog", "--database", file.path().to_str().unwrap()]);
    assert_eq!((run.code, &*run.out), (3, ""));
    assert!(run.errors.starts_with("error: opening "), "{}", run.errors);
}

#[cfg(feature = "postgres")]
#[test]
fn a_postgres_url_is_not_printed_and_its_tables_are_not_created() {
    let url = "postgres://bikes:hush-4711@127.0.0.1:1/bikes";
    let down = run(&["backlog", "--database", url]);
    assert_eq!((down.code, &*down.out), (3, ""));
    assert!(
        down.errors
            .starts_with("error: connecting to the database failed: "),
        "{}",
        down.errors
    );
    assert!(!down.errors.contains("hush-4711"), "{}", down.errors);

    let Some(url) = super::database::empty_postgres() else {
        return;
    };
    for _ in 0..2 {
        let empty = run(&["backlog", "--database", &url]);
        assert_eq!((empty.code, &*empty.out), (3, ""), "{}", empty.errors);
    }
    let shown = run(&["backlog", "--database", &url, "--show-personal"]);
    assert!(shown.errors.contains("does not exist"), "{}", shown.errors);
}
