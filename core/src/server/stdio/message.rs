//! From a line to a message, or to the error that answers it.

use rmcp::model::{
    CallToolRequestParams, ClientJsonRpcMessage, ClientRequest, CompleteRequestParams, DiscoverRequestParams,
    ErrorData, GetPromptRequestParams, InitializeRequestParams, JsonRpcMessage, JsonRpcRequest,
    PaginatedRequestParams, ReadResourceRequestParams, RequestId, SubscribeRequestParams,
    SubscriptionsListenRequestParams,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::server::handler::said;

/// What a line holds.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message.
    Message(Box<ClientJsonRpcMessage>),
    /// A JSON-RPC batch, not looked into.
    Batch(Vec<Value>),
    /// Something to be answered with an error; without an id where none can be told.
    Refused(Option<RequestId>, ErrorData),
    /// Something that must not be answered: a response to nothing, or a notification that makes no sense.
    Nothing,
}

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Incoming {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Incoming::Nothing;
    }
    match serde_json::from_slice(line) {
        Ok(value) => read_value(value),
        // serde_json's message names what was expected and the column, and repeats nothing of the line.
        Err(error) => Incoming::Refused(None, ErrorData::parse_error(format!("not JSON: {error}"), None)),
    }
}

/// Reads a line and says nothing of it.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn read_line(line: &[u8]) {
    drop(read(line));
}

/// Reads a message that is JSON already: a line, or a member of a batch.
pub(super) fn read_value(value: Value) -> Incoming {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(batch) => return Incoming::Batch(batch),
        _ => return invalid(None, "a message is a JSON object"),
    };
    let id = match object.get("id") {
        None => None,
        Some(id) => match serde_json::from_value::<RequestId>(id.clone()) {
            Ok(id) => Some(id),
            Err(_) if object.contains_key("method") => {
                return invalid(None, "id: expected a string or an integer");
            }
            Err(_) => None,
        },
    };
    let method = match object.get("method") {
        None => return response(object, id),
        Some(Value::String(method)) => method.clone(),
        Some(_) => return invalid(id, "method: expected a string"),
    };
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return invalid(id, "jsonrpc: expected \"2.0\"");
    }
    if object.contains_key("result") || object.contains_key("error") {
        return invalid(id, "a request has neither result nor error");
    }
    match id {
        Some(id) => request(object, id, &method),
        None => notification(object, &method),
    }
}

fn request(object: Map<String, Value>, id: RequestId, method: &str) -> Incoming {
    let params = object.get("params").cloned();
    // Optional params that do not fit are taken for none, and a list would begin again at its first page.
    if method.ends_with("/list")
        && let Some(Err(mistake)) = check_params(method, params.clone())
    {
        return Incoming::Refused(Some(id), params_error(method, &mistake));
    }
    match serde_json::from_value::<ClientJsonRpcMessage>(Value::Object(object)) {
        // What fits no type of rmcp's becomes a custom request, of methods that we know too.
        Ok(JsonRpcMessage::Request(JsonRpcRequest {
            request: ClientRequest::CustomRequest(_),
            ..
        }))
        | Err(_)
            if let Some(checked) = check_params(method, params.clone()) =>
        {
            let mistake = checked
                .err()
                .unwrap_or_else(|| "not as the protocol has them".to_owned());
            Incoming::Refused(Some(id), params_error(method, &mistake))
        }
        Ok(message @ JsonRpcMessage::Request(_)) => Incoming::Message(Box::new(message)),
        _ => invalid(Some(id), "not a request"),
    }
}

fn notification(object: Map<String, Value>, method: &str) -> Incoming {
    match serde_json::from_value(Value::Object(object)) {
        Ok(message) => Incoming::Message(Box::new(message)),
        Err(error) => {
            tracing::debug!(method, %error, "a notification that makes no sense was dropped");
            Incoming::Nothing
        }
    }
}

fn response(object: Map<String, Value>, id: Option<RequestId>) -> Incoming {
    if object.contains_key("result") == object.contains_key("error") {
        return invalid(id, "expected a request, a notification or a response");
    }
    match serde_json::from_value(Value::Object(object)) {
        Ok(message) => Incoming::Message(Box::new(message)),
        Err(error) => {
            tracing::debug!(%error, "a response that makes no sense was dropped");
            Incoming::Nothing
        }
    }
}

fn invalid(id: Option<RequestId>, message: &'static str) -> Incoming {
    Incoming::Refused(id, ErrorData::invalid_request(message, None))
}

fn params_error(method: &str, mistake: &str) -> ErrorData {
    ErrorData::invalid_params(said(&format!("params of {method}: {mistake}")), None)
}

/// Whether the params of a method that we know are what it takes, and what is wrong with them.
fn check_params(method: &str, params: Option<Value>) -> Option<Result<(), String>> {
    fn check<T: DeserializeOwned>(params: Value) -> Result<(), String> {
        serde_json::from_value::<T>(params)
            .map(drop)
            .map_err(|error| error.to_string())
    }
    let params = params.unwrap_or_else(|| Value::Object(Map::new()));
    Some(match method {
        "initialize" => check::<InitializeRequestParams>(params),
        "server/discover" => check::<DiscoverRequestParams>(params),
        "ping" => check::<Map<String, Value>>(params),
        "tools/call" => check::<CallToolRequestParams>(params),
        "prompts/get" => check::<GetPromptRequestParams>(params),
        "resources/read" => check::<ReadResourceRequestParams>(params),
        "completion/complete" => check::<CompleteRequestParams>(params),
        "resources/subscribe" | "resources/unsubscribe" => check::<SubscribeRequestParams>(params),
        "subscriptions/listen" => check::<SubscriptionsListenRequestParams>(params),
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
            check::<PaginatedRequestParams>(params)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rmcp::model::ErrorCode;

    use super::*;

    fn refused(line: &str) -> (Option<RequestId>, i32, String) {
        match read(line.as_bytes()) {
            Incoming::Refused(id, error) => (id, error.code.0, error.message.into_owned()),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        for line in [
            "{",
            "{]",
            "\u{1}",
            "nul",
            "{\"a\":\"\\ud800\"}",
            &"[".repeat(100_000),
        ] {
            let (id, code, _) = refused(line);
            assert_eq!((id, code), (None, ErrorCode::PARSE_ERROR.0));
        }
        assert!(
            matches!(read(b"{\"a\":\"\xff\"}"), Incoming::Refused(None, error) if error.code.0 == -32700)
        );
    }

    #[test]
    fn what_is_json_but_no_request_is_an_invalid_request() {
        for line in [
            "1",
            "null",
            "\"x\"",
            "{}",
            r#"{"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"method":"notifications/x"}"#,
        ] {
            let (id, code, message) = refused(line);
            assert_eq!(
                (id, code),
                (None, ErrorCode::INVALID_REQUEST.0),
                "{line}: {message}"
            );
        }
        for line in [
            r#"{"id":7,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":1}"#,
            r#"{"jsonrpc":"2.0","id":7}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{},"error":{"code":1,"message":""}}"#,
        ] {
            let (id, code, message) = refused(line);
            assert_eq!(
                (id, code),
                (Some(RequestId::Number(7)), ErrorCode::INVALID_REQUEST.0),
                "{line}: {message}"
            );
        }
    }

    #[test]
    fn wrong_params_of_a_known_method_say_what_is_wrong() {
        let (id, code, message) =
            refused(r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"arguments":{}}}"#);
        assert_eq!(
            (id, code),
            (Some(RequestId::String("a".into())), ErrorCode::INVALID_PARAMS.0)
        );
        assert_eq!(message, "params of tools/call: missing field `name`");
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":[1]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
        ] {
            assert_eq!(refused(line).1, ErrorCode::INVALID_PARAMS.0, "{line}");
        }
    }

    #[test]
    fn messages_pass() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r",
            r#"{"jsonrpc":"2.0","id":1,"method":"no/such","params":{"a":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":1}}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{}}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
        ] {
            assert!(matches!(read(line.as_bytes()), Incoming::Message(_)), "{line}");
        }
        assert!(matches!(read(b"  \t "), Incoming::Nothing));
        assert!(matches!(read(b"[]"), Incoming::Batch(_)));
    }
}
