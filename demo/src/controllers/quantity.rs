//! Amounts as Kubernetes writes them (`resource.Quantity`): `100m`, `1.5`, `64Mi`.

/// The suffixes and what they stand for, in thousandths.
const UNITS: [(&str, f64); 15] = [
    ("Ki", 1024e3),
    ("Mi", 1_048_576e3),
    ("Gi", 1_073_741_824e3),
    ("Ti", 1_099_511_627_776e3),
    ("Pi", 1_125_899_906_842_624e3),
    ("n", 1e-6),
    ("u", 1e-3),
    ("m", 1.0),
    ("k", 1e6),
    ("M", 1e9),
    ("G", 1e12),
    ("T", 1e15),
    ("P", 1e18),
    ("E", 1e21),
    ("", 1e3),
];

/// An amount in thousandths, rounded up.
pub(crate) fn milli(text: &str) -> Option<i64> {
    let (number, unit) = UNITS
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is too large becomes the largest"
    )]
    number
        .parse::<f64>()
        .ok()
        .map(|number| (number * unit).ceil() as i64)
}
