//! The help, the usage errors and the completions.

use super::run;

const COMMANDS: [&str; 26] = [
    "inspect",
    "sign",
    "verify",
    "challenge",
    "completions",
    "check",
    "backlog",
    "dead",
    "dead list",
    "dead show",
    "dead requeue",
    "dead discard",
    "webhooks",
    "webhooks list",
    "webhooks show",
    "replay",
    "conversation",
    "export",
    "erase",
    "send",
    "send text",
    "send image",
    "send button",
    "send flow",
    "send status",
    "send batch",
];

#[test]
fn each_command_has_help_with_an_example() {
    let list = run(&["--help"]);
    for command in COMMANDS {
        let mut args: Vec<_> = command.split(' ').collect();
        assert!(list.out.contains(&format!("\n  {}", args[0])), "{command}");
        args.push("--help");
        let help = run(&args);
        assert_eq!(help.code, 0, "{command}");
        let example = help.out.split("Example").nth(1).expect(command);
        let call = format!("whatsapp-signals {command}");
        assert!(example.contains(&call), "{command}: {example}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_names_the_expected_value() {
    let wrong: [(&[&str], &str); 10] = [
        (&[], "Usage:"),
        (&["inspekt"], "inspekt"),
        (&["inspect", "--table", "--json"], "cannot be used with"),
        (&["send", "text"], "<TEXT>"),
        (
            &["send", "text", "Hi", "--from", "Ada"],
            "expected a country code",
        ),
        (
            &["send", "text", "Hi", "--rate", "0"],
            "expected a number from 0.001",
        ),
        (&["send", "text", "Hi", "--repeat", "0"], "0 is not in 1.."),
        (&["send", "flow", "[]"], "expected a JSON object"),
        (
            &["send", "text", "Hi", "--url", "http://192.0.2.1/"],
            "expected a loopback address",
        ),
        (
            &[
                "send",
                "text",
                "Hi",
                "--anywhere",
                "--url",
                "https://192.0.2.1/",
            ],
            "no TLS",
        ),
    ];
    for (args, text) in wrong {
        let run = run(args);
        assert_eq!((run.code, &*run.out), (2, ""), "{args:?}");
        assert!(run.errors.contains(text), "{args:?}: {}", run.errors);
    }
}

#[test]
fn each_shell_has_a_completion_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.code, 0);
        assert!(
            script.out.contains("--show-personal") || script.out.contains("show-personal"),
            "{shell}"
        );
        let json = run(&["completions", shell, "--json"]).out;
        assert!(
            json.starts_with(&format!("{{\"shell\":\"{shell}\",\"script\":\"")),
            "{json}"
        );
    }
}
