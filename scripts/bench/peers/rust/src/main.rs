//! Calls and streams of tonic between two processes, mutual TLS, one connection, messages as
//! `google.protobuf.BytesValue`. A driver as `driver.ts` is; both ends run on one thread each, or on
//! as many as there are processors where `BENCH_THREADS` is `all`. A program is its own server:
//! started with the argument "server" it prints its port.

mod bench;
mod service;

use std::time::{Duration, Instant};

use bench::{Done, Tls};
use service::{Bench, Message};
use tokio_stream::StreamExt;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint, Server, ServerTlsConfig};
use tonic::{Request, client::Grpc};
use tonic_prost::ProstCodec;

type Client = Grpc<Channel>;

fn main() {
    let mut builder = match std::env::var("BENCH_THREADS").as_deref() {
        Ok("all") => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build().unwrap();
    if std::env::args().nth(1).as_deref() == Some("server") {
        return runtime.block_on(serve());
    }
    let server = bench::Server::start();
    let client = runtime.block_on(dial(&server.port));
    bench::answer(&server, |parts, duration| {
        runtime.block_on(measured(&client, &server.port, parts, duration))
    });
}

async fn serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let Tls { ca, identity } = Tls::of("worker");
    let tls = ServerTlsConfig::new().identity(identity).client_ca_root(ca);
    Server::builder()
        .tls_config(tls)
        .unwrap()
        .add_service(Bench)
        .serve_with_incoming(service::without_delay(listener))
        .await
        .unwrap();
}

async fn dial(port: &str) -> Client {
    let Tls { ca, identity } = Tls::of("caller");
    let tls = ClientTlsConfig::new().identity(identity).ca_certificate(ca).domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{port}")).unwrap();
    let channel = endpoint.tcp_nodelay(true).tls_config(tls).unwrap().connect().await.unwrap();
    Grpc::new(channel).max_decoding_message_size(usize::MAX)
}

async fn measured(client: &Client, port: &str, parts: &[&str], duration: Duration) -> Option<Done> {
    let end = Instant::now() + duration;
    match *parts {
        [kind @ ("calls" | "echo64b"), callers] => {
            let bytes = if kind == "calls" { 16 } else { 62 };
            let once = || call(client.clone(), vec![0; bytes]);
            Some(bench::calls(callers.parse().ok()?, duration, once).await)
        }
        ["connect", at_once] => {
            let once = || async { call(dial(port).await, vec![]).await };
            Some(bench::rate(at_once.parse().ok()?, duration, once).await)
        }
        ["down", size, streams] => {
            let one = |bytes| down(client.clone(), bytes, end);
            Some(bench::items(size, streams.parse().ok()?, one).await)
        }
        ["up", size, streams] => {
            let one = |bytes| up(client.clone(), bytes, end);
            Some(bench::items(size, streams.parse().ok()?, one).await)
        }
        ["duplex", _] => Some(round_trips(client.clone(), end).await),
        _ => None,
    }
}

fn path(name: &'static str) -> PathAndQuery {
    PathAndQuery::from_static(name)
}

async fn call(mut client: Client, message: Message) {
    client.ready().await.unwrap();
    let codec = ProstCodec::<Message, Message>::default();
    client.unary(Request::new(message), path(service::CALL), codec).await.unwrap();
}

/// Whether the time is asked for after so many items: of small ones it costs as much as an item.
fn asks_clock(count: usize, bytes: usize) -> bool {
    bytes >= 32_768 || count % 32 == 0
}

async fn down(mut client: Client, bytes: usize, end: Instant) -> usize {
    client.ready().await.unwrap();
    let request = Request::new(bytes.to_string().into_bytes());
    let codec = ProstCodec::<Message, Message>::default();
    let response = client.server_streaming(request, path(service::DOWN), codec).await.unwrap();
    let mut items = response.into_inner();
    let mut count = 0;
    while items.message().await.unwrap().is_some() {
        count += 1;
        if asks_clock(count, bytes) && Instant::now() > end {
            break;
        }
    }
    count
}

async fn up(mut client: Client, bytes: usize, end: Instant) -> usize {
    client.ready().await.unwrap();
    let (sent, codec) = (std::sync::Arc::new(Default::default()), ProstCodec::default());
    let counted: std::sync::Arc<std::sync::atomic::AtomicUsize> = std::sync::Arc::clone(&sent);
    let items = std::iter::from_fn(move || {
        let count = counted.load(std::sync::atomic::Ordering::Relaxed);
        if asks_clock(count, bytes) && Instant::now() > end {
            return None;
        }
        counted.store(count + 1, std::sync::atomic::Ordering::Relaxed);
        Some(vec![0; bytes])
    });
    let request = Request::new(tokio_stream::iter(items));
    let _: tonic::Response<Message> =
        client.client_streaming::<_, Message, _, _>(request, path(service::UP), codec).await.unwrap();
    sent.load(std::sync::atomic::Ordering::Relaxed)
}

async fn round_trips(mut client: Client, end: Instant) -> Done {
    client.ready().await.unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Message>(1);
    let request = Request::new(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let codec = ProstCodec::<Message, Message>::default();
    let response = client.streaming(request, path(service::ECHO), codec).await.unwrap();
    let mut items = response.into_inner();
    let mut taken = vec![];
    while Instant::now() < end {
        let start = Instant::now();
        sender.send(vec![0; 32]).await.unwrap();
        items.next().await.unwrap().unwrap();
        taken.push(start.elapsed());
    }
    bench::median(taken)
}
