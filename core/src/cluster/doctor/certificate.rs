//! When certificates expire.

use std::fs;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use kube::config::AuthInfo;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use x509_cert::{Certificate, der::Decode as _};

use super::Finding;

/// A certificate that expires sooner than this is told.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How a client certificate is renewed.
const RENEW: &str = "get a new one where this one came from (with kubeadm: kubeadm certs renew admin.conf)";

/// What is wrong with the client certificate of a kubeconfig's user. One that cannot be read is told when it is used.
pub(super) fn client_certificate(user: &AuthInfo, now: Timestamp) -> Option<Finding> {
    let pem = match (&user.client_certificate_data, &user.client_certificate) {
        (Some(data), _) => BASE64_STANDARD.decode(data.trim()).ok()?,
        (None, Some(file)) => fs::read(file).ok()?,
        (None, None) => return None,
    };
    let expires = expiry(&pem)?;
    let left = expires.duration_since(now);
    let day = expires.strftime("%Y-%m-%d %H:%M UTC");
    let days = left.as_hours() / 24;
    if left.is_negative() {
        let finding = format!("the client certificate expired at {day}");
        return Some(Finding::fail("certificate", finding, RENEW));
    }
    Some(match left < SOON {
        true => Finding::warn(
            "certificate",
            format!("the client certificate expires in {days} days, at {day}"),
            RENEW,
        ),
        false => Finding::ok(
            "certificate",
            format!("the client certificate is good for {days} days"),
        ),
    })
}

/// When the first certificate of a PEM text expires.
fn expiry(pem: &[u8]) -> Option<Timestamp> {
    let der = CertificateDer::pem_slice_iter(pem).next()?.ok()?;
    let certificate = Certificate::from_der(&der).ok()?;
    let since_1970 = certificate
        .tbs_certificate()
        .validity()
        .not_after
        .to_unix_duration();
    Timestamp::from_second(i64::try_from(since_1970.as_secs()).ok()?).ok()
}
