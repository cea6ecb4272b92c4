use std::cell::RefCell;
use std::io::Write;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// `2026-01-31T12:00:00`
const LENGTH: usize = 19;

thread_local! {
    /// The last second that this thread wrote, and its text.
    static SECOND: RefCell<(u64, [u8; LENGTH])> = const { RefCell::new((u64::MAX, [0; LENGTH])) };
}

/// Appends `time` as RFC 3339 in UTC with milliseconds; a time before 1970 counts as 1970.
pub(super) fn write_time(out: &mut Vec<u8>, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != since.as_secs() {
            *second = since.as_secs();
            *text = format_second(*second);
        }
        out.extend_from_slice(text);
    });
    let millis = since.subsec_millis();
    let digit = |value: u32| b'0' + (value % 10) as u8;
    out.extend_from_slice(&[
        b'.',
        digit(millis / 100),
        digit(millis / 10),
        digit(millis),
        b'Z',
    ]);
}

fn format_second(second: u64) -> [u8; LENGTH] {
    let (year, month, day) = civil(second / 86_400);
    let of_day = second % 86_400;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = [b' '; LENGTH];
    // A year of more than four digits is cut, which no clock will show.
    let _ = write!(
        text.as_mut_slice(),
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    );
    text
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar: the algorithm
/// `civil_from_days` of <https://howardhinnant.github.io/date_algorithms.html>.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn writes_utc_with_milliseconds() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_007, "2000-03-01T00:00:00.007Z"),
            (1_767_225_599_042, "2025-12-31T23:59:59.042Z"),
            (1_767_225_599_043, "2025-12-31T23:59:59.043Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (millis, expected) in cases {
            let mut out = Vec::new();
            write_time(&mut out, UNIX_EPOCH + Duration::from_millis(millis));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
