use super::*;

fn read(method: &str, target: &str) -> Result<RequestInfo, Unclear> {
    RequestInfo::read(&method.parse().unwrap(), &target.parse().unwrap())
}

/// `access verb resource name namespace`, `-` for what is not there.
fn shown(method: &str, target: &str) -> String {
    let Ok(info) = read(method, target) else {
        return "unclear".to_owned();
    };
    let or = |text: Option<&String>| text.map_or("-", |text| text).to_owned();
    let what = if info.is_resource {
        info.qualified()
    } else {
        info.path.clone()
    };
    format!(
        "{} {} {what} {} {}",
        info.access(),
        info.verb,
        or(info.name.as_ref()),
        or(info.namespace.as_ref())
    )
}

#[test]
fn requests_are_read_as_the_api_server_reads_them() {
    for (method, target, expected) in [
        (
            "GET",
            "/api/v1/namespaces/shop/pods/web",
            "read get pods web shop",
        ),
        (
            "HEAD",
            "/api/v1/namespaces/shop/pods/web",
            "read get pods web shop",
        ),
        ("GET", "/api/v1/namespaces/shop/pods", "read list pods - shop"),
        ("GET", "/api/v1/pods?limit=5", "read list pods - -"),
        ("GET", "/api/v1/pods?watch=true", "read watch pods - -"),
        ("GET", "/api/v1/pods?watch=1", "read watch pods - -"),
        ("GET", "/api/v1/pods?watch=false", "read list pods - -"),
        ("GET", "/api/v1/watch/pods", "read watch pods - -"),
        (
            "GET",
            "/api/v1/namespaces/shop/pods/web/log",
            "read get pods/log web shop",
        ),
        ("GET", "/api/v1/nodes/n1", "read get nodes n1 -"),
        ("GET", "/api/v1/namespaces", "read list namespaces - -"),
        ("GET", "/api/v1/namespaces/shop", "read get namespaces shop shop"),
        (
            "PUT",
            "/api/v1/namespaces/shop/finalize",
            "write update namespaces/finalize shop shop",
        ),
        (
            "GET",
            "/api/v1/namespaces/status",
            "read get namespaces status status",
        ),
        (
            "GET",
            "/apis/apps/v1/namespaces/shop/deployments/web/scale",
            "read get deployments.apps/scale web shop",
        ),
        (
            "GET",
            "/apis/example.com/v1/widgets",
            "read list widgets.example.com - -",
        ),
        ("POST", "/api/v1/namespaces/shop/pods", "write create pods - shop"),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/shop/deployments/web",
            "write patch deployments.apps web shop",
        ),
        (
            "PUT",
            "/api/v1/namespaces/shop/configmaps/c",
            "write update configmaps c shop",
        ),
        (
            "POST",
            "/api/v1/namespaces/shop/pods/web/eviction",
            "write create pods/eviction web shop",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/shop/pods/web",
            "destructive delete pods web shop",
        ),
        (
            "DELETE",
            "/api/v1/namespaces/shop/pods",
            "destructive deletecollection pods - shop",
        ),
        // What runs code or opens a way in, whatever the verb.
        (
            "GET",
            "/api/v1/namespaces/shop/pods/web/exec?command=id",
            "exec get pods/exec web shop",
        ),
        (
            "POST",
            "/api/v1/namespaces/shop/pods/web/attach",
            "exec create pods/attach web shop",
        ),
        (
            "GET",
            "/api/v1/namespaces/shop/pods/web/portforward",
            "exec get pods/portforward web shop",
        ),
        (
            "GET",
            "/api/v1/nodes/n1/proxy/stats/summary",
            "exec get nodes/proxy n1 -",
        ),
        (
            "GET",
            "/api/v1/namespaces/shop/services/web:80/proxy/admin",
            "exec get services/proxy web:80 shop",
        ),
        (
            "GET",
            "/api/v1/proxy/namespaces/shop/services/web",
            "exec proxy services web shop",
        ),
        (
            "PATCH",
            "/api/v1/namespaces/shop/pods/web/ephemeralcontainers",
            "exec patch pods/ephemeralcontainers web shop",
        ),
        // The reviews about ourselves read, other reviews do not.
        (
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            "read create selfsubjectaccessreviews.authorization.k8s.io - -",
        ),
        (
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews?dryRun=All",
            "read create selfsubjectrulesreviews.authorization.k8s.io - -",
        ),
        (
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            "read create selfsubjectreviews.authentication.k8s.io - -",
        ),
        (
            "POST",
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            "write create subjectaccessreviews.authorization.k8s.io - -",
        ),
        (
            "POST",
            "/apis/evil.io/v1/selfsubjectaccessreviews",
            "write create selfsubjectaccessreviews.evil.io - -",
        ),
        // What is no resource.
        ("GET", "/version", "read get /version - -"),
        ("GET", "/api", "read get /api - -"),
        ("GET", "/apis/apps/v1", "read get /apis/apps/v1 - -"),
        ("GET", "/api/v1/", "read get /api/v1 - -"),
        ("GET", "/livez?verbose", "read get /livez - -"),
        ("POST", "/whatever", "exec post /whatever - -"),
        ("OPTIONS", "/api/v1/pods", "exec  pods - -"),
        ("CONNECT", "/api/v1/pods", "exec  pods - -"),
        // What could be read in two ways.
        ("GET", "/api/v1/namespaces/shop/pods/web%2Fexec", "unclear"),
        ("GET", "/api/v1/namespaces/shop/pods/web%252Fexec", "unclear"),
        ("GET", "/api/v1/namespaces/shop/pods/../../secrets", "unclear"),
        ("GET", "/api/v1/namespaces/shop/pods/%2e%2e/x", "unclear"),
        ("GET", "/api/v1//pods", "unclear"),
        ("GET", "/api/v1/namespaces/shop/pods/%00", "unclear"),
        ("GET", "/api/v1/namespaces/shop/pods/%ff", "unclear"),
        (
            "GET",
            "/api/v1/namespaces/shop/p%6fds/web",
            "read get pods web shop",
        ),
    ] {
        assert_eq!(shown(method, target), expected, "{method} {target}");
    }
}
