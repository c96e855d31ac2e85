//! What stands in a webhook of NetBox, of all versions: 4.4 to 4.6 name the request `request_id`, 4.7 `request.id`. Only what it takes to know a
//! delivery again and to know where to look is read; everything else is not trusted and not kept.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `created`, `updated`, `deleted`, or what an event rule of later versions may send.
    pub event: String,
    pub object: String,
    pub id: i64,
    pub request: Option<String>,
}

#[derive(Deserialize)]
struct Raw {
    event: String,
    #[serde(default)]
    object_type: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    request_id: Option<String>,
    #[serde(default)]
    request: Option<Request>,
    data: Data,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    id: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    id: i64,
}

/// The only kind that matters here.
const PREFIX: &str = "ipam.prefix";

impl Event {
    /// `None`: this is no webhook of NetBox.
    pub fn read(body: &[u8]) -> Option<Self> {
        let raw: Raw = serde_json::from_slice(body).ok()?;
        let object = raw.object_type.or_else(|| raw.model.map(|model| format!("ipam.{model}")))?;
        let request = raw.request_id.or_else(|| raw.request.and_then(|request| request.id)).filter(|id| !id.is_empty());
        (raw.data.id > 0).then_some(Self { event: raw.event, object, id: raw.data.id, request })
    }

    pub fn is_prefix(&self) -> bool {
        self.object == PREFIX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Option<Event> {
        Event::read(value.to_string().as_bytes())
    }

    #[test]
    fn both_shapes_of_the_request_are_read() {
        let old =
            json!({ "event": "updated", "object_type": "ipam.prefix", "request_id": "r-1", "username": "admin", "data": { "id": 7 } });
        let new =
            json!({ "event": "updated", "object_type": "ipam.prefix", "request": { "id": "r-1", "user": "admin" }, "data": { "id": 7 } });
        assert_eq!(read(old.clone()), read(new));
        let event = read(old).expect("an event");
        assert!(event.is_prefix() && event.id == 7 && event.request.as_deref() == Some("r-1"));
        let model = json!({ "event": "deleted", "model": "prefix", "request_id": "", "data": { "id": 7 } });
        let event = read(model).expect("an event");
        assert!(event.is_prefix() && event.request.is_none());
    }

    #[test]
    fn what_is_no_webhook_is_nothing() {
        for bad in [
            json!(null),
            json!([]),
            json!({ "event": "updated" }),
            json!({ "event": "updated", "object_type": "ipam.prefix", "data": { "id": "7" } }),
            json!({ "event": "updated", "object_type": "ipam.prefix", "data": { "id": -7 } }),
            json!({ "event": "updated", "data": { "id": 7 } }),
            json!({ "event": 3, "object_type": "ipam.prefix", "data": { "id": 7 } }),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
        assert_eq!(Event::read(b"\xff{"), None);
        let deep = "[".repeat(100_000);
        assert_eq!(Event::read(deep.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Event::read(&body);
        }
    }
}
