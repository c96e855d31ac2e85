//! The usual mistakes with certificates, in words.

use rustls::{AlertDescription, CertificateError as Bad, Error};

/// What is wrong, after the name of the server; `None`: as rustls puts it.
pub fn words(error: &Error) -> Option<String> {
    Some(match error {
        Error::InvalidCertificate(bad) => match bad {
            Bad::UnknownIssuer => "its certificate was not issued by the authority that we trust; check the CA file".to_owned(),
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "its certificate is for another name; use the name that stands in it, or it is not our server".to_owned()
            }
            Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired (or this clock is wrong)".to_owned(),
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => "its certificate is not valid yet (or this clock is wrong)".to_owned(),
            Bad::Revoked => "its certificate was revoked".to_owned(),
            other => format!("its certificate is not acceptable: {other:?}"),
        },
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => "it asks for a client certificate".to_owned(),
            AlertDescription::UnknownCA | AlertDescription::BadCertificate | AlertDescription::DecryptError => {
                "it does not accept our client certificate".to_owned()
            }
            other => format!("it broke off the TLS handshake: {other:?}"),
        },
        _ => return None,
    })
}
