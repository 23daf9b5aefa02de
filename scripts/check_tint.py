"""Has Chromium's WGSL compiler (Tint) judge kernels: a list of [name, source] in a JSON file.

    check_tint.py CHROMIUM KERNELS.json

Serves a page on this machine, opens it in headless Chromium with WebGPU on SwiftShader, and waits for what the page
reports. The page first makes sure that a broken kernel is reported.
"""

import http.server
import json
import subprocess
import sys
import tempfile
import threading

PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
async function errors(device, code) {
    device.pushErrorScope("validation");
    const info = await device.createShaderModule({ code }).getCompilationInfo();
    const error = await device.popErrorScope();
    const found = info.messages.filter(m => m.type === "error").map(m => `${m.lineNum}:${m.linePos}: ${m.message}`);
    return found.length > 0 || !error ? found : [error.message];
}
async function judge() {
    const adapter = await navigator.gpu?.requestAdapter();
    if (!adapter) throw new Error("Chromium gives no WebGPU adapter");
    const requiredFeatures = ["subgroups"].filter(name => adapter.features.has(name));
    const device = await adapter.requestDevice({ requiredFeatures });
    const kernels = await (await fetch("kernels.json")).json();
    const broken = kernels[0][1].replace("fn main(", "fn main(missing: NoSuchType, ");
    const control = await errors(device, broken);
    if (broken === kernels[0][1] || control.length === 0) throw new Error("a broken kernel was accepted");
    const faults = [];
    for (const [name, code] of kernels) {
        for (const error of await errors(device, code)) faults.push(`${name}: ${error}`);
    }
    return { modules: kernels.length, faults, features: requiredFeatures, control: control[0] };
}
let result;
try { result = await judge(); } catch (error) { result = { failed: String(error) }; }
await fetch("result", { method: "POST", body: JSON.stringify(result) });
</script>"""

SECONDS = 300


def serve(kernels: bytes):
    """A server of the page on a free port, the results it was sent, and an event that tells of them."""
    results, done = [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            known = {"/": ("text/html", PAGE.encode()), "/kernels.json": ("application/json", kernels)}
            kind, body = known.get(self.path, ("text/plain", b""))
            self.send_response(200 if self.path in known else 404)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            results.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], results, done


def main() -> int:
    chromium, path = sys.argv[1:]
    with open(path, "rb") as file:
        kernels = file.read()
    if not json.loads(kernels):
        print("tint: no kernel to judge", file=sys.stderr)
        return 1
    port, results, done = serve(kernels)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = ["--headless=new", "--no-sandbox", "--no-first-run", "--enable-unsafe-webgpu"]
        flags += ["--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan", f"--user-data-dir={profile}"]
        command = [chromium, *flags, f"http://127.0.0.1:{port}/"]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            done.wait(SECONDS)
        finally:
            browser.terminate()
            browser.wait(30)
    result = results[0] if results else {"failed": f"no answer within {SECONDS} seconds"}
    if "failed" in result:
        print(f"tint: {result['failed']}", file=sys.stderr)
        return 1
    for fault in result["faults"]:
        print(fault, file=sys.stderr)
    judged, faults = result["modules"], len(result["faults"])
    print(f"tint: {judged - faults} passed, {faults} failed; with features {result['features']}")
    print(f"tint: a broken kernel is reported: {result['control']}")
    return 1 if faults or judged == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
