// Generated from spec/ and templates/: edits are lost.

/// What this package serves: its `spec/` and `templates/`, compiled.
pub static SURFACE: ::kube_mcp_core::engine::surface::Surface = ::kube_mcp_core::engine::surface::Surface {
    package: "golden",
    toolsets: &[
        ::kube_mcp_core::engine::surface::Toolset {
            name: "core",
            description: "What everyone needs",
            default: true,
        },
    ],
    tools: &[
        tool_crate::TOOL,
        tool_daemonsets_list::TOOL,
        tool_diagnose::TOOL,
        tool_pods_delete::TOOL,
    ],
    prompts: &[prompt_investigate::PROMPT],
    resources: &[resource_pod::RESOURCE],
    templates: TEMPLATES,
    operations: &[
        &crate::operations::clusters::OPERATION,
        &crate::operations::r#match::OPERATION,
        &crate::operations::delete::OPERATION,
        &crate::operations::get::OPERATION,
        &crate::operations::list::OPERATION,
    ],
    signatures: include_str!("surface/signatures.json"),
};

static TEMPLATES: &[::kube_mcp_core::engine::surface::Template] = &[
    ::kube_mcp_core::engine::surface::Template {
        name: "prompts/investigate.md.j2",
        source: r#"# "Look"

{{ steps.pods }}
"#,
    },
];

mod tool_crate {
    include!("surface/tool_crate.rs");
}

mod tool_daemonsets_list {
    include!("surface/tool_daemonsets_list.rs");
}

mod tool_diagnose {
    include!("surface/tool_diagnose.rs");
}

mod tool_pods_delete {
    include!("surface/tool_pods_delete.rs");
}

mod prompt_investigate {
    include!("surface/prompt_investigate.rs");
}

mod resource_pod {
    include!("surface/resource_pod.rs");
}
