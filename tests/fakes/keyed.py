"""The built-in llama-swap with an API key."""

from llamabar.demo.server import DemoServer, Handler

PUBLIC = ("/health", "/wol-health")


class Keyed(Handler):
    def _dispatch(self, routes, path):
        key = self.server.api_key
        has_key = self.headers.get("Authorization") == f"Bearer {key}" or self.headers.get("x-api-key") == key
        if path in PUBLIC or has_key:
            super()._dispatch(routes, path)
        else:
            realm = {"WWW-Authenticate": 'Basic realm="llama-swap"'}
            self._error(401, "unauthorized: invalid or missing API key", **realm)


def demo_server(world, port=0, api_key=""):
    """Return a llama-swap that isn't started yet; without a key it requires none."""
    server = DemoServer(world, port)
    server.api_key = api_key
    if api_key:
        server.RequestHandlerClass = Keyed
    return server
