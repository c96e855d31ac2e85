//! What can go wrong with a packet, or with starting a simulated NAS.

/// Why a datagram is not a request of ours, or the simulator does not start. A NAS says nothing of the former: it drops the datagram.
#[derive(Debug, thiserror::Error)]
pub enum NasError {
    #[error("a datagram of less than 20 octets")]
    Short,
    #[error("a Length of less than 20")]
    LengthBelow20,
    #[error("a Length of more than 4096")]
    LengthOver4096,
    #[error("a datagram shorter than its Length")]
    Truncated,
    #[error("an attribute shorter than its own header")]
    AttributeLength,
    #[error("an attribute that runs past the packet")]
    AttributeOverrun,
    #[error("neither a CoA-Request nor a Disconnect-Request")]
    UnexpectedCode,
    #[error("a wrong Request Authenticator")]
    RequestAuthenticator,
    #[error("a wrong Message-Authenticator")]
    MessageAuthenticator,
    #[error("no Message-Authenticator where one is required")]
    Unsigned,
    #[error("an attribute over 253 octets or a packet over 4096")]
    TooLong,
    #[error("the simulated NAS can not listen on {address}")]
    Bind {
        address: std::net::SocketAddr,
        #[source]
        source: std::io::Error,
    },
}
