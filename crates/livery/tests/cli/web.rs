//! A web server with a few files, with or without TLS.

use super::certificate::Certificate;
use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Files = BTreeMap<String, Vec<u8>>;

/// A web server; it ends with the test.
pub struct Web {
    scheme: &'static str,
    address: SocketAddr,
    // Dropping it ends the server.
    _runtime: tokio::runtime::Runtime,
}

impl Web {
    /// Serves files by path; a text that begins with `->` leads on to another place.
    pub fn new(files: &[(&str, Vec<u8>)]) -> Self {
        Self::serve(files, "127.0.0.1:0", None)
    }

    /// Serves files by HTTPS, at the address that the certificate is for.
    pub fn with_tls(files: &[(&str, Vec<u8>)], certificate: &Certificate) -> Self {
        Self::serve(files, "127.0.0.1:0", Some(acceptor(certificate)))
    }

    /// Serves files by HTTPS, at an address that the certificate is not for.
    pub fn elsewhere_with_tls(files: &[(&str, Vec<u8>)], certificate: &Certificate) -> Self {
        Self::serve(files, "127.0.0.2:0", Some(acceptor(certificate)))
    }

    fn serve(files: &[(&str, Vec<u8>)], at: &str, tls: Option<TlsAcceptor>) -> Self {
        let files: Files = files
            .iter()
            .map(|(path, body)| ((*path).to_owned(), body.clone()))
            .collect();
        let files = Arc::new(files);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(at)).unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (files, tls) = (files.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => connection(files, stream).await,
                        // Whoever does not trust the certificate goes away here.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                connection(files, stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            scheme,
            address,
            _runtime: runtime,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }
}

fn acceptor(certificate: &Certificate) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(&certificate.certificate).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&certificate.key).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn connection(files: Arc<Files>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
        let answer = answer(&files, request.uri().path());
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    // A client that breaks off is the client's affair.
    let _ = serving.await;
}

fn answer(files: &Files, path: &str) -> Response<Full<Bytes>> {
    let response = Response::builder();
    let Some(body) = files.get(path) else {
        let response = response.status(StatusCode::NOT_FOUND);
        return response
            .body(Full::new(Bytes::from_static(b"no such file")))
            .unwrap();
    };
    if let Some(target) = body.strip_prefix(b"->") {
        let response = response
            .status(StatusCode::FOUND)
            .header("location", target);
        return response.body(Full::new(Bytes::new())).unwrap();
    }
    response.body(Full::new(Bytes::from(body.clone()))).unwrap()
}
