//! What the Acme team serves beside the tools of kube-mcp.

pub mod operations;

kube_mcp_core::surface!();
