//! Programs that are started, waited for and killed.

use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::folder::Folder;

/// The variable with the folder of a program, in which its receivers write what they do. The test
/// itself does not have it.
pub(crate) const FOLDER: &str = "WHATSAPP_SIGNALS_CRASH_FOLDER";

/// The variable with the settings of a program.
pub(crate) const SETTINGS: &str = "WHATSAPP_SIGNALS_CRASH_SETTINGS";

/// Starts a program: a test function of this module, which is a program if it has a folder.
pub(crate) fn start(folder: &Folder, module: &str, function: &str, settings: &str) -> Child {
    // The name of a test does not begin with that of its crate.
    let (_, module) = module.split_once("::").unwrap();
    let program = format!("{module}::{function}");
    Command::new(env::current_exe().unwrap())
        .args(["--exact", &program])
        .env(FOLDER, folder.path())
        .env(SETTINGS, settings)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills a program, and notes when.
pub(crate) fn kill_program(number: usize, mut program: Child, deaths: &mut [u64]) {
    let ended = program.try_wait().unwrap();
    assert_eq!(ended, None, "a program ended before it was killed");
    deaths[number] = micros();
    program.kill().unwrap();
    program.wait().unwrap();
}

/// Waits for a program, no longer than this. Returns whether it has ended.
pub(crate) fn wait(program: &mut Child, longest: Duration) -> bool {
    let until = Instant::now() + longest;
    loop {
        if let Some(status) = program.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        thread::sleep(Duration::from_micros(200));
    }
}

/// Returns the number of kills of a test.
pub(crate) fn wanted_kills() -> usize {
    env::var("CRASH_KILLS").map_or(25, |kills| kills.parse().unwrap())
}

/// Returns a time below this one.
pub(crate) fn random(below: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    Duration::from_micros(random % u64::try_from(below.as_micros()).unwrap())
}

/// Returns the microseconds since 1970.
pub(crate) fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_micros()).unwrap()
}

/// Returns true in one of `n` calls, at random.
pub(crate) fn one_in(n: u64) -> bool {
    random(Duration::from_micros(n)).is_zero()
}
