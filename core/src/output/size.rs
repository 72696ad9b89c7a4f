//! Ages and quantities: reading them, writing them short, and comparing them by size.

use jiff::Timestamp;

/// The seconds from a time to now; none went by since one to come.
pub fn age(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.as_second() - since.as_second()).unwrap_or(0)
}

/// An age in the shortest form that is still exact enough to act on, in one unit: `51m`, `3h`, `2d`, `341d`, `1y`.
pub fn short_age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        172_800..31_536_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// The length of time that was asked for, which is oftener an hour than 60 minutes.
pub fn window(seconds: u64) -> String {
    match seconds {
        3_600..3_660 => "1h".to_owned(),
        seconds => short_age(seconds),
    }
}

/// Reads an age as the API server and [`short_age`] write it: `51m`, `2d4h`, `1y30d`. In seconds.
pub fn parse_age(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut seconds = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest.get(..digits)?.parse().ok()?;
        let tail = rest.get(digits..)?;
        let (unit, length) = match tail.as_bytes() {
            // Sub-second ages occur in what the API server prints of leases.
            [b'm', b's', ..] => (0, 2),
            [b's', ..] => (1, 1),
            [b'm', ..] => (60, 1),
            [b'h', ..] => (3_600, 1),
            [b'd', ..] => (86_400, 1),
            [b'y', ..] => (31_536_000, 1),
            _ => return None,
        };
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
        rest = tail.get(length..)?;
    }
    Some(seconds)
}

/// Reads a Kubernetes quantity: `512Mi`, `100m`, `1Gi`, `1e3`, `0.5`, `-3`.
pub fn parse_quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    // `inf`, `nan` and the like are numbers to Rust and to nobody else.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    if let Some(plain) = finite(text) {
        return Some(plain);
    }
    let split = text.rfind(|c: char| c.is_ascii_digit() || c == '.')? + 1;
    let (number, suffix) = text.split_at_checked(split)?;
    let factor = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        "%" => 1.0,
        _ => return None,
    };
    finite(number).map(|number| number * factor)
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Bytes as a quantity with a binary unit, rounded to what a reader needs: `512Mi`, `1.4Gi`.
pub fn short_bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if bytes < 1024 {
        return bytes.to_string();
    }
    let (mut unit, mut divisor) = (0, 1024_u64);
    while unit + 1 < UNITS.len() && bytes / divisor >= 1024 {
        divisor = divisor.saturating_mul(1024);
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    let tenths = u128::from(bytes) * 10 / u128::from(divisor);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}{name}"),
        (whole @ 0..10, tenth) => format!("{whole}.{tenth}{name}"),
        (whole, _) => format!("{whole}{name}"),
    }
}

/// Bytes as someone set them, exact wherever that is short: `1536Mi`, `64Ki`.
pub fn exact_bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "Ti"), (1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
    let whole = UNITS
        .iter()
        .find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) if bytes / unit < 10_000 => format!("{}{name}", bytes / unit),
        _ => short_bytes(bytes),
    }
}

/// Billionths of a core, in thousandths as Kubernetes rounds them, or in cores where that is shorter: `210m`, `2.1`,
/// `64`.
pub fn short_cores(nanos: u64) -> String {
    match nanos.div_ceil(1_000_000) {
        millis @ 0..1_000 => format!("{millis}m"),
        millis @ 1_000..9_950 => tenths((millis + 50) / 100),
        millis => ((millis + 500) / 1_000).to_string(),
    }
}

/// Billionths of a core as someone set them: `250m`, `1.5`, `1250m`.
pub fn exact_cores(nanos: u64) -> String {
    match nanos.div_ceil(1_000_000) {
        millis if millis >= 1_000 && millis.is_multiple_of(100) => tenths(millis / 100),
        millis => format!("{millis}m"),
    }
}

fn tenths(count: u64) -> String {
    match (count / 10, count % 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

/// A count with thousands set apart: `4,812`.
pub fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many there are of something, by the word for one: `1 pod`, `4,812 pods`.
pub fn counted(count: impl TryInto<usize>, what: &str) -> String {
    match count.try_into().unwrap_or(usize::MAX) {
        1 => format!("1 {what}"),
        count => format!("{} {what}s", grouped(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_in_one_unit_and_read_in_several() {
        for (seconds, text) in [
            (40, "40s"),
            (51 * 60, "51m"),
            (3 * 3600 + 59, "3h"),
            (2 * 86_400, "2d"),
            (341 * 86_400, "341d"),
            (400 * 86_400, "1y"),
        ] {
            assert_eq!(short_age(seconds), text);
        }
        assert_eq!(parse_age("2d4h"), Some(2 * 86_400 + 4 * 3_600));
        assert_eq!(parse_age("5m30s"), Some(330));
        for wrong in ["", "5", "m", "5x", "99999999999999999999y", "<unknown>"] {
            assert_eq!(parse_age(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn quantities_are_compared_by_size() {
        assert_eq!(parse_quantity("512Mi"), Some(512.0 * 1024.0 * 1024.0));
        assert_eq!(parse_quantity("100m"), Some(0.1));
        assert_eq!(parse_quantity("1e3"), Some(1000.0));
        assert_eq!(parse_quantity("-2"), Some(-2.0));
        for wrong in ["", "Mi", "inf", "nan", "5h", "1.2.3", "é"] {
            assert_eq!(parse_quantity(wrong), None, "{wrong}");
        }
        assert_eq!(short_bytes(1_503_238_554), "1.4Gi");
        assert_eq!(short_bytes(512 << 20), "512Mi");
        assert_eq!(short_bytes(u64::MAX), "15Ei");
        assert_eq!(exact_bytes(1_536 << 20), "1536Mi");
        assert_eq!(exact_bytes(3 << 30), "3Gi");
        assert_eq!(exact_bytes(1_000_000_000), "953Mi");
        assert_eq!(exact_bytes(0), "0");
        for (millis, short, exact) in [
            (0, "0m", "0m"),
            (70, "70m", "70m"),
            (1_250, "1.3", "1250m"),
            (1_500, "1.5", "1.5"),
            (2_000, "2", "2"),
            (63_940, "64", "63940m"),
        ] {
            assert_eq!(short_cores(millis * 1_000_000), short);
            assert_eq!(exact_cores(millis * 1_000_000), exact);
        }
        assert_eq!(short_cores(1), "1m");
        assert_eq!(grouped(4_812), "4,812");
        assert_eq!(grouped(100), "100");
        assert_eq!(
            [0, 1, 4_812].map(|count| counted(count, "pod")),
            ["0 pods", "1 pod", "4,812 pods"]
        );
    }
}
