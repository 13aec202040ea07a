//! Makes one call on tonic, as a client that the worker refuses: `refused-tonic PORT`, in a folder with `ca.pem` and,
//! where the client has a certificate, `cert.pem` and `key.pem`. Prints the error with its sources.
use std::error::Error;
use std::fs::read;

use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic::Request;
use tonic_prost::ProstCodec;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match call().await {
        Ok(()) => println!("the call succeeded"),
        Err(error) => {
            let mut said = error.to_string();
            let mut cause = error.source();
            while let Some(source) = cause {
                said += &format!("; {source}");
                cause = source.source();
            }
            eprintln!("{said}");
            std::process::exit(1);
        }
    }
}

async fn call() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).expect("a port");
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read("ca.pem")?))
        .domain_name("localhost");
    if let (Ok(cert), Ok(key)) = (read("cert.pem"), read("key.pem")) {
        tls = tls.identity(Identity::from_pem(cert, key));
    }
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{port}"))?.tls_config(tls)?;
    let mut client = Grpc::new(endpoint.connect().await?);
    client.ready().await?;
    let path = PathAndQuery::from_static("/selvage.test.v1.EchoService/Echo");
    client
        .unary::<(), (), _>(Request::new(()), path, ProstCodec::default())
        .await?;
    Ok(())
}
