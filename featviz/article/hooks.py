"""The hooks that mkdocs.yml names: MkDocs' events, handed to the bridge."""

from featviz.article.bridge.plugin import Bridge

_bridge = Bridge()
# MkDocs looks for events among a module's names.
globals().update({name: getattr(_bridge, name) for name in dir(_bridge) if name.startswith("on_")})
