//! Amounts as Kubernetes writes them (`resource.Quantity`): `100m`, `1.5`, `64Mi`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::api::object::Meta as _;

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

/// An amount in its shortest form, as the API server writes it back: `1000m` is `1`, `2048Mi` is `2Gi`. `None` for
/// what is no amount.
pub(crate) fn canonical(value: &Value) -> Option<String> {
    const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|letter: char| !matches!(letter, '0'..='9' | '.' | '+' | '-'));
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let binary = BINARY.iter().skip(1).position(|known| *known == suffix);
    // In billionths, the smallest there are; what is smaller is rounded up.
    let unit: i128 = match (binary, DECIMAL.iter().position(|known| *known == suffix)) {
        (Some(power), _) => 1024_i128.pow(u32::try_from(power).ok()? + 1) * 1_000_000_000,
        (None, Some(power)) => 1000_i128.pow(u32::try_from(power).ok()?),
        (None, None) => 10_i128
            .checked_pow(suffix.strip_prefix(['e', 'E'])?.parse().ok()?)?
            .checked_mul(1_000_000_000)?,
    };
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let product = digits.checked_mul(unit)?;
    let billionths = product.div_euclid(scale) + i128::from(product.rem_euclid(scale) != 0);
    let (mut amount, suffixes, base) = match binary {
        Some(_) if billionths.abs() >= 1_024_000_000_000 && billionths % 1_000_000_000 == 0 => {
            (billionths / 1_000_000_000, &BINARY[..], 1024)
        }
        _ => (billionths, &DECIMAL[..], 1000),
    };
    let mut power = 0;
    while amount != 0 && amount % base == 0 && power + 1 < suffixes.len() {
        amount /= base;
        power += 1;
    }
    Some(format!(
        "{amount}{}",
        if amount == 0 { "" } else { suffixes[power] }
    ))
}

/// What the containers of a pod ask for (`requests`) or may have (`limits`) in sum, in thousandths: those that run
/// together, or one that runs before them, if that is more.
pub(crate) fn of_pod(pod: &Value, sort: &str) -> BTreeMap<String, i64> {
    let of = |resources: &Value| -> Vec<(String, i64)> {
        let amounts = resources[sort].as_object().into_iter().flatten();
        amounts
            .filter_map(|(resource, amount)| Some((resource.clone(), milli(amount.as_str()?)?)))
            .collect()
    };
    let inits = pod.list("/spec/initContainers").iter();
    let (sidecars, inits): (Vec<_>, Vec<_>) = inits.partition(|init| init["restartPolicy"] == "Always");
    let mains = pod.list("/spec/containers").iter().chain(sidecars);
    let mut sum: BTreeMap<String, i64> = BTreeMap::new();
    for (resource, amount) in mains.flat_map(|container| of(&container["resources"])) {
        *sum.entry(resource).or_default() += amount;
    }
    for (resource, amount) in inits
        .into_iter()
        .flat_map(|container| of(&container["resources"]))
    {
        let most = sum.entry(resource).or_default();
        *most = amount.max(*most);
    }
    sum
}

/// The same as Kubernetes writes it.
pub(crate) fn sum(pod: &Value, sort: &str) -> Map<String, Value> {
    let told = of_pod(pod, sort).into_iter().filter_map(|(resource, amount)| {
        let text = match amount % 1_024_000 {
            0 if resource != "cpu" => format!("{}Ki", amount / 1_024_000),
            _ => format!("{amount}m"),
        };
        Some((resource, canonical(&text.into())?.into()))
    });
    told.collect()
}
