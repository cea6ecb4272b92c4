//! How many write system calls a contestant makes: counted apart, since counting costs.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::{
    contestant::{Contestant, Field},
    scenario::Scenario,
};
use crate::shell::{Result, works};

const CALLS: &str = "trace=write,writev,sendto,sendmsg,sendfile";

/// Writes for each unit of the scenario, or `None` where strace is missing or may not look.
pub fn per_request(
    contestant: &Contestant,
    field: &Field,
    scenario: &Scenario,
) -> Result<Option<f64>> {
    if !works("strace", ["-V"]) {
        return Ok(None);
    }
    let mut strace = Command::new("strace");
    strace.args(["-f", "-q", "-c", "-e", CALLS]);
    for pid in contestant.family() {
        strace.args(["-p", &pid.to_string()]);
    }
    let child = strace
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    thread::sleep(Duration::from_millis(300));
    let load = field.load(contestant, &scenario.sample())?;
    let pid = child.id().to_string();
    drop(Command::new("kill").args(["-INT", &pid]).status());
    let output = child.wait_with_output()?;
    let units = load[scenario.unit].as_f64().unwrap_or_default();
    let calls = total(&String::from_utf8_lossy(&output.stderr));
    Ok(calls.filter(|_| units > 0.0).map(|calls| calls / units))
}

/// The calls in the last line of `strace -c`: `100.00  0.01  1  1234  total`.
fn total(summary: &str) -> Option<f64> {
    let line = summary
        .lines()
        .rev()
        .find(|line| line.trim_end().ends_with("total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_last_line() {
        let summary = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 90.00    0.010000           1      1000         2 writev
------ ----------- ----------- --------- --------- ----------------
100.00    0.011000           1      1234         2 total
";
        assert_eq!(total(summary), Some(1234.0));
        assert_eq!(total("nothing"), None);
    }
}
