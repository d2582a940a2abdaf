"""A Slack whose sockets and answers have addresses of their own, as the real one's have, and TLS in front."""

from creditbot.sandbox.slack import SlackSandbox

API = "https://slack.test/api/"


class SlackOverTls(SlackSandbox):
    """Only a proxy knows where `wss.slack.test` and `hooks.slack.test` are."""

    def _new_socket_url(self) -> str:
        return super()._new_socket_url().replace(f"ws://127.0.0.1:{self._port}/", "wss://wss.slack.test/")

    def _response_url(self, secret: str) -> str:
        return f"https://hooks.slack.test/response/{secret}"
