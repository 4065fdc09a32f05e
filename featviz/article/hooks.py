"""The hooks that mkdocs.yml names: MkDocs' events, handed to the bridge."""

from featviz.article.bridge.plugin import Bridge

_bridge = Bridge()

on_startup = _bridge.on_startup
on_config = _bridge.on_config
on_files = _bridge.on_files
on_nav = _bridge.on_nav
on_page_markdown = _bridge.on_page_markdown
on_page_content = _bridge.on_page_content
on_page_context = _bridge.on_page_context
on_post_page = _bridge.on_post_page
on_post_build = _bridge.on_post_build
on_build_error = _bridge.on_build_error
on_serve = _bridge.on_serve
