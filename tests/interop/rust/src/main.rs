//! The client of conversation.mjs on rust_socketio.

use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Payload, TransportType};
use serde_json::{json, Map, Value};
use std::error::Error;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(30);

type Positions = Arc<Mutex<Map<String, Value>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, name, password, room, way] = &args[..5] else {
        return Err("url, name, password, channel, transports".into());
    };
    let token = sign_in(url, name, password)?;
    let positions = Positions::default();
    let (started_tx, started) = channel();
    let (received_tx, received) = channel();
    let connect = |auth: Value| {
        connect(url, way, auth, started_tx.clone(), received_tx.clone(), positions.clone())
    };

    let socket = connect(json!({ "token": token }))?;
    let session: Value = started.recv_timeout(WAIT)?;
    println!("started {}", text(&session["user"]["name"]));
    let joined = call(&socket, "channel.join", json!({ "channel": room }))?;
    println!("joined {}", text(&joined["result"]["channel"]["name"]));
    let hello = json!({ "channel": room, "text": format!("hello from {name}") });
    let sent = call(&socket, "message.send", hello)?;
    println!("sent {}", text(&sent["result"]["message"]["text"]));
    let refused = call(&socket, "message.send", json!({ "channel": "nosuch", "text": "?" }))?;
    println!("refused {}", text(&refused["error"]["data"]["type"]));
    let mut message = take(&received)?;
    while message["author"] == session["user"]["id"] {
        message = take(&received)?;
    }
    println!("received {}", text(&message["text"]));

    socket.disconnect()?;
    println!("gone");
    std::io::stdin().read_line(&mut String::new())?;
    let streams = Value::Object(positions.lock().unwrap().clone());
    let socket = connect(json!({ "token": token, "streams": streams }))?;
    let session = started.recv_timeout(WAIT)?;
    let channels = session["channels"].as_array().ok_or("no channels")?;
    let view = channels.iter().find(|c| c["id"] == room.as_str()).ok_or("not in the channel")?;
    println!("resumed {}", view["resumed"]);
    loop {
        message = take(&received)?;
        println!("again {}", text(&message["text"]));
        if message["text"] == "live again" {
            break;
        }
    }
    socket.disconnect()?;
    println!("done");
    Ok(())
}

fn connect(
    url: &str,
    way: &str,
    auth: Value,
    started: Sender<Value>,
    received: Sender<Value>,
    positions: Positions,
) -> Result<Client, rust_socketio::Error> {
    let transport = match way {
        "websocket" => TransportType::Websocket,
        "polling" => TransportType::Polling,
        _ => TransportType::WebsocketUpgrade,
    };
    ClientBuilder::new(url)
        .transport_type(transport)
        .auth(auth)
        .reconnect(false)
        .on("session.started", move |payload, _| {
            let _ = started.send(argument(payload));
        })
        .on("message.created", move |payload, _| {
            let event = argument(payload);
            let position = json!({ "epoch": event["epoch"], "seq": event["seq"] });
            positions.lock().unwrap().insert(text(&event["stream"]).to_string(), position);
            let _ = received.send(event["message"].clone());
        })
        .connect()
}

fn call(socket: &Client, command: &str, params: Value) -> Result<Value, Box<dyn Error>> {
    let (answered, answer) = channel();
    socket.emit_with_ack(command, params, WAIT, move |payload, _| {
        let _ = answered.send(argument(payload));
    })?;
    Ok(answer.recv_timeout(WAIT)?)
}

/// The first argument of an event or ack. This library gives those of an ack as one list.
fn argument(payload: Payload) -> Value {
    match payload {
        Payload::Text(values) => match values.into_iter().next() {
            Some(Value::Array(inner)) => inner.into_iter().next().unwrap_or(Value::Null),
            other => other.unwrap_or(Value::Null),
        },
        _ => Value::Null,
    }
}

fn take(received: &Receiver<Value>) -> Result<Value, Box<dyn Error>> {
    Ok(received.recv_timeout(WAIT)?)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn sign_in(url: &str, name: &str, password: &str) -> Result<String, Box<dyn Error>> {
    let answer: Value = reqwest::blocking::Client::new()
        .post(format!("{url}/api/v1/auth.login"))
        .json(&json!({ "name": name, "password": password }))
        .send()?
        .error_for_status()?
        .json()?;
    Ok(text(&answer["token"]).to_string())
}
