import HTTPTypes
import RealtimeProtocol
import WebServer

/// The page that shows the API document and lets one try its requests. It loads nothing from elsewhere.
enum DocsPage {
    /// These routes, and those of the page and the document that show them.
    static func table(_ routes: [Route]) -> RouteTable {
        let sockets =
            PathAcceptor.mediaPaths.map { ($0, "Twilio's media stream") }
            + PathAcceptor.logPaths.map {
                ($0, "Events of the models; ?call= for one call, ?shape=beta for older names, ?audio=1 with audio")
            } + [
                (PathAcceptor.livePath, "How calls stand, whenever that changes; ?call= with all events of one"),
                (ListenAcceptor.path, "What both sides of ?call= say, as µ-law"),
                (DeviceAcceptor.devicePaths[0], "Devices: xiaozhi's protocol, Opus"),
                (DeviceAcceptor.talkPath, "The same for our own page /talk, with marks and clear"),
                (DeviceAcceptor.telnyxPath, "Telnyx's media stream"),
                (DeviceAcceptor.asteriskPath, "Asterisk's chan_websocket; the query travels with the call"),
            ]
        let document = RouteTable(routes, sockets: sockets).openAPI(
            title: Endpoints.title,
            version: Server.version
        )
        return RouteTable(routes + Self.routes(document: document.encode()), sockets: sockets)
    }

    /// The page's parts, the document, and the other name under which people look for it.
    private static func routes(document: [UInt8]) -> [Route] {
        [
            page("/openapi.json", "The OpenAPI document", "application/json", document),
            page("/docs", "A page that shows it", "text/html; charset=utf-8", Array(html.utf8)),
            page("/docs/page.js", "The page's script", "text/javascript; charset=utf-8", Array(script.utf8)),
            page("/docs/page.css", "The page's style", "text/css; charset=utf-8", Array(style.utf8)),
            Route(.get, "/redoc", "Leads to /docs", responseType: "text/html", responses: [(307, "to /docs")]) { _ in
                WebResponse(status: .temporaryRedirect, headers: [.location: "/docs"])
            },
        ]
    }

    private static func page(_ path: String, _ summary: String, _ type: String, _ bytes: [UInt8]) -> Route {
        let headers: HTTPFields = [
            .contentType: type, .eTag: EntityTag.of(bytes), .cacheControl: "no-cache",
            .contentSecurityPolicy: "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
        ]
        return Route(.get, path, summary, responseType: String(type.prefix { $0 != ";" })) { _ in
            WebResponse(headers: headers, body: bytes)
        }
    }

    private static let html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>Trunkline API</title>
        <link rel="stylesheet" href="/docs/page.css">
        </head>
        <body>
        <header><h1 id="title">API</h1><a href="/openapi.json">openapi.json</a>
        <label>Token <input id="token" type="password" autocomplete="off"></label></header>
        <main id="operations">Loading…</main>
        <script src="/docs/page.js"></script>
        </body>
        </html>
        """

    private static let style = """
        :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
        body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
        header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; }
        details { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 6px; margin: .5rem 0; padding: .5rem .75rem; }
        summary { cursor: pointer; }
        .method { display: inline-block; min-width: 4rem; font-weight: 600; }
        code, pre, textarea { font: 14px/1.4 ui-monospace, monospace; }
        pre { overflow: auto; max-height: 24rem; padding: .5rem; background: color-mix(in srgb, currentColor 8%, transparent); }
        label { display: block; margin: .25rem 0; }
        textarea { width: 100%; min-height: 5rem; }
        """

    private static let script = #"""
        "use strict";
        const make = (name, text, parent) => {
          const element = document.createElement(name);
          if (text) element.textContent = text;
          if (parent) parent.append(element);
          return element;
        };

        const field = (words, name, parent) => {
          const label = make("label", words + " ", parent);
          return make(name, "", label);
        };

        async function send(method, path, inputs, body, output) {
          let target = path;
          const query = new URLSearchParams();
          const headers = {};
          for (const { name, place, input } of inputs) {
            if (place === "path") target = target.replace("{" + name + "}", encodeURIComponent(input.value));
            else if (input.value && place === "query") query.append(name, input.value);
            else if (input.value) headers[name] = input.value;
          }
          if (String(query)) target += "?" + query;
          const token = document.getElementById("token").value;
          if (token) headers.Authorization = "Bearer " + token;
          const text = body ? body.input.value : "";
          if (text) headers["Content-Type"] = body.type;
          output.textContent = "…";
          try {
            const answer = await fetch(target, { method, headers, body: text || undefined });
            let shown = await answer.text();
            try { shown = JSON.stringify(JSON.parse(shown), null, 2); } catch { /* It is no JSON. */ }
            output.textContent = answer.status + " " + answer.statusText + "\n\n" + shown;
          } catch (error) {
            output.textContent = String(error);
          }
        }

        function show(path, method, operation, parent) {
          const details = make("details", "", parent);
          const summary = make("summary", "", details);
          make("span", method.toUpperCase(), summary).className = "method";
          make("code", path, summary);
          make("span", " " + (operation.summary || "") + (operation.security ? " (token)" : ""), summary);
          const list = make("ul", "", details);
          for (const [status, response] of Object.entries(operation.responses || {})) {
            make("li", status + ": " + response.description, list);
          }
          const inputs = (operation.parameters || []).map((parameter) => {
            const input = field(parameter.name, "input", details);
            input.title = parameter.description || "";
            return { name: parameter.name, place: parameter.in, input };
          });
          let body = null;
          if (operation.requestBody) {
            const [type, { schema }] = Object.entries(operation.requestBody.content)[0];
            make("pre", JSON.stringify(schema, null, 2), details);
            body = { type, input: field("Body", "textarea", details) };
            const isForm = type !== "application/json";
            body.input.value = isForm ? Object.keys(schema.properties).map((name) => name + "=").join("&") : "{}";
          }
          const button = make("button", "Send", details);
          const output = make("pre", "", details);
          button.addEventListener("click", () => send(method.toUpperCase(), path, inputs, body, output));
        }

        (async () => {
          const place = document.getElementById("operations");
          const api = await (await fetch("/openapi.json")).json();
          document.getElementById("title").textContent = api.info.title + " " + api.info.version;
          place.textContent = "";
          for (const [path, item] of Object.entries(api.paths)) {
            for (const [method, operation] of Object.entries(item)) show(path, method, operation, place);
          }
          make("h2", "WebSockets", place);
          for (const [path, socket] of Object.entries(api["x-websockets"] || {})) {
            const line = make("p", "", place);
            make("code", path, line);
            make("span", " " + socket.summary, line);
          }
        })();
        """#
}
