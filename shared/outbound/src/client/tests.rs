//! The client against a server of a few lines, on a port of its own.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(5);

/// Reads one request of which the body ends with `}`.
async fn read_request(stream: &mut TcpStream) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 1024]);
    while !text.ends_with('}') {
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the request broke off: {text}");
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    text
}

/// A server that answers one request with `answer` and closes; its task returns the request.
async fn serve(answer: impl Into<Vec<u8>>) -> (Url, JoinHandle<String>) {
    let (answer, listener) = (answer.into(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = Url::parse(&format!("http://{}/hook?a=b#c", listener.local_addr().unwrap())).unwrap();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        let _ = stream.write_all(&answer).await;
        request
    });
    (url, task)
}

async fn post(url: &Url, timeout: Duration) -> Result<Answer, SendError> {
    let headers = [("content-type", "application/json".to_owned()), ("Webhook-Id", "msg_1".to_owned())];
    Outbound::new(true).post(url, &headers, b"{}".to_vec(), timeout).await
}

fn answer(status: u16, retry_after: Option<u64>, body: &str) -> Result<Answer, SendError> {
    Ok(Answer { status, retry_after: retry_after.map(Duration::from_secs), body: body.into() })
}

#[tokio::test]
async fn answers_of_any_status() {
    let (url, served) = serve("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    assert_eq!(post(&url, LONG).await, answer(200, None, "ok"));
    let request = served.await.unwrap().to_ascii_lowercase();
    assert!(request.starts_with("post /hook?a=b http/1.1\r\n"), "{request}");
    for line in ["content-type: application/json", "webhook-id: msg_1", "content-length: 2", "host: 127.0.0.1:"] {
        assert!(request.contains(line), "{line} in {request}");
    }
    let (url, _) = serve("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(post(&url, LONG).await, answer(410, None, ""));
    let (url, _) = serve("HTTP/1.1 429 Slow\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(post(&url, LONG).await, answer(429, Some(120), ""));
}

#[tokio::test]
async fn redirects_are_answers() {
    let (target, never) = serve("").await;
    let (url, _) = serve(format!("HTTP/1.1 307 Away\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n")).await;
    assert_eq!(post(&url, LONG).await, answer(307, None, ""));
    assert!(!never.is_finished());
}

#[tokio::test]
async fn a_body_is_cut_and_a_broken_or_slow_one_is_no_failure() {
    let (url, _) = serve(format!("HTTP/1.1 500 No\r\ncontent-length: 9000\r\n\r\n{}", "x".repeat(9000))).await;
    assert_eq!(post(&url, LONG).await, answer(500, None, &"x".repeat(MOST_ANSWER_BYTES)));
    let (url, _) = serve("HTTP/1.1 202 Yes\r\ncontent-length: 9\r\n\r\nhalf").await;
    assert_eq!(post(&url, LONG).await, answer(202, None, "half"));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let slow = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 204 Yes\r\ncontent-length: 9\r\n\r\nha").await.unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = post(&url, SHORT) => assert!(outcome.is_ok_and(|answer| answer.status == 204)),
        () = slow => {}
    }
}

#[tokio::test]
async fn after_sending_the_outcome_is_unknown() {
    let (url, _) = serve("").await; // reads the request and closes
    assert!(matches!(post(&url, LONG).await, Err(SendError::Unknown(_))));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap(); // the kernel accepts, nobody answers
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    assert_eq!(post(&url, SHORT).await, Err(SendError::Unknown("no answer in time".into())));
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // A TLS handshake that nobody answers: no request has left yet.
    let url = Url::parse(&format!("https://{address}/")).unwrap();
    assert_eq!(post(&url, SHORT).await, Err(SendError::NotSent("no answer in time".into())));
    drop(listener);
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    assert!(matches!(post(&url, LONG).await, Err(SendError::NotSent(why)) if why.contains("refused")));
    let url = Url::parse("http://nowhere.invalid/").unwrap();
    assert!(matches!(post(&url, LONG).await, Err(SendError::NotSent(_))));
}

#[tokio::test]
async fn the_guard_stands_before_and_behind_the_name() {
    let outbound = Outbound::new(false);
    for text in ["https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "http://example.com/"] {
        let outcome = outbound.post(&Url::parse(text).unwrap(), &[], b"{}".to_vec(), LONG).await;
        assert!(matches!(outcome, Err(SendError::Refused(_))), "{text}: {outcome:?}");
    }
    // A harmless name that resolves to a private address: past `check_url`, up to the resolver.
    for text in ["https://localhost:1/", "http://localhost:1/"] {
        let request = request(&Url::parse(text).unwrap(), &[], b"{}".to_vec()).unwrap();
        assert_eq!(outbound.send(request, LONG).await, Err(SendError::Refused(NotGlobal::REASON)), "{text}");
    }
}

#[tokio::test]
async fn headers_that_are_refused() {
    let url = Url::parse("http://127.0.0.1:1/").unwrap();
    for (name, value) in [("Host", "other"), ("content-length", "1"), ("x", "a\r\nb: c"), ("a b", "x")] {
        let outcome = Outbound::new(true).post(&url, &[(name, value.to_owned())], vec![], LONG).await;
        assert!(matches!(outcome, Err(SendError::Refused(_))), "{name}: {outcome:?}");
    }
}

#[test]
fn retry_after_as_seconds_and_as_a_date() {
    let date = Some("Fri, 31 Dec 1999 23:59:00 GMT");
    for (value, date, expected) in [
        ("0", None, Some(0)),
        (" 17 ", None, Some(17)),
        ("99999999999999999999999", None, Some(86_400)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", date, Some(59)),
        ("Fri, 31 Dec 1999 23:00:00 GMT", date, Some(0)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None, None),
        ("soon", date, None),
        ("-1", date, None),
        ("", date, None),
    ] {
        assert_eq!(retry_after(value, date), expected.map(Duration::from_secs), "{value}");
    }
}
