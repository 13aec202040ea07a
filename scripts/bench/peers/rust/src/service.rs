//! `bench.Bench` as it would be generated: `Call`, `Down`, `Up` and `Echo`.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codegen::http;
use tonic::server::{
    ClientStreamingService, Grpc, NamedService, ServerStreamingService, StreamingService, UnaryService,
};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

/// Bytes are `google.protobuf.BytesValue` for prost.
pub type Message = Vec<u8>;

pub const CALL: &str = "/bench.Bench/Call";
pub const DOWN: &str = "/bench.Bench/Down";
pub const UP: &str = "/bench.Bench/Up";
pub const ECHO: &str = "/bench.Bench/Echo";

type Answer<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;
type Items = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

#[derive(Clone)]
pub struct Bench;

impl NamedService for Bench {
    const NAME: &'static str = "bench.Bench";
}

impl tower_service::Service<http::Request<Body>> for Bench {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let codec = ProstCodec::<Message, Message>::default();
            let mut grpc = Grpc::new(codec).max_decoding_message_size(usize::MAX);
            Ok(match request.uri().path() {
                CALL => grpc.unary(Call, request).await,
                DOWN => grpc.server_streaming(Down, request).await,
                UP => grpc.client_streaming(Up, request).await,
                ECHO => grpc.streaming(Echo, request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

struct Call;

impl UnaryService<Message> for Call {
    type Response = Message;
    type Future = Answer<Message>;

    fn call(&mut self, request: Request<Message>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(request.into_inner())) })
    }
}

struct Down;

impl ServerStreamingService<Message> for Down {
    type Response = Message;
    type ResponseStream = Items;
    type Future = Answer<Items>;

    fn call(&mut self, request: Request<Message>) -> Self::Future {
        Box::pin(async move {
            let text = String::from_utf8(request.into_inner()).unwrap_or_default();
            let bytes: usize = text.parse().map_err(|_| Status::invalid_argument("no number"))?;
            let items = std::iter::repeat_with(move || Ok(vec![0u8; bytes]));
            Ok(Response::new(Box::pin(tokio_stream::iter(items)) as Items))
        })
    }
}

struct Up;

impl ClientStreamingService<Message> for Up {
    type Response = Message;
    type Future = Answer<Message>;

    fn call(&mut self, request: Request<Streaming<Message>>) -> Self::Future {
        Box::pin(async move {
            let mut items = request.into_inner();
            while items.message().await?.is_some() {}
            Ok(Response::new(vec![]))
        })
    }
}

struct Echo;

impl StreamingService<Message> for Echo {
    type Response = Message;
    type ResponseStream = Items;
    type Future = Answer<Items>;

    fn call(&mut self, request: Request<Streaming<Message>>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(Box::pin(request.into_inner()) as Items)) })
    }
}

/// The connections of a listener, each small packet sent at once, as tonic's own listener does it.
pub fn without_delay(
    listener: tokio::net::TcpListener,
) -> impl Stream<Item = std::io::Result<tokio::net::TcpStream>> {
    tokio_stream::wrappers::TcpListenerStream::new(listener).map(|accepted| {
        let socket = accepted?;
        socket.set_nodelay(true)?;
        Ok(socket)
    })
}
