"""The server's own pages, as it serves them itself."""
import pathlib

from aiohttp import web

WEB = pathlib.Path(__file__).resolve().parents[2] / "Sources/CallServer/Resources/web"
# As the server's own.
POLICY = ("default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; img-src 'self' data:; "
          "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def problem(status, detail, **more):
    return web.json_response({"detail": detail, **more}, status=status)


async def page(request):
    """A file by its path; at the name of a folder stands its page."""
    path = (WEB / request.path.strip("/")).resolve()
    if path.is_dir():
        path /= "index.html"
    if not path.is_file() or WEB not in path.parents:
        return problem(404, "no such file")
    return web.Response(body=path.read_bytes(), headers={
        "Content-Type": TYPES.get(path.suffix, "application/octet-stream") + "; charset=utf-8",
        "Cache-Control": "no-cache", "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"})
