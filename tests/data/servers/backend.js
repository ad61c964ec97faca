// Programs behind a proxy, one to a port. What each does is read from a file at every request, so that a
// story breaks it when it likes: modes.json maps a port to a mode.
const fs = require('fs');
const http = require('http');
const [modesFile, ...ports] = process.argv.slice(2);

const modes = () => {
  try {
    return JSON.parse(fs.readFileSync(modesFile, 'utf8'));
  } catch {
    return {};
  }
};

function answer(mode, request, response) {
  const socket = request.socket;
  const [name, detail = '', text = ''] = mode.split('|');
  switch (name) {
    case 'fine':
      return response.end('Everything is fine here.\n');
    case 'hang':
      return undefined;
    case 'reset':
      return socket.resetAndDestroy();
    case 'close':
      return socket.destroy();
    case 'garbage':
      return socket.end('220 mail.shop.example ESMTP\r\n');
    case 'half':
      response.writeHead(200, { 'content-length': 10000 });
      response.write('x'.repeat(100));
      return setTimeout(() => socket.destroy(), 50);
    case 'large-header':
      return response.writeHead(200, { 'x-trace': 'x'.repeat(12000) }).end('fine\n');
    case 'status':
      return response.writeHead(Number(detail), { 'content-type': 'text/html' }).end(text);
    case 'status-but-robots':
      return request.url === '/robots.txt'
        ? response.end('User-agent: *\n')
        : response.writeHead(Number(detail), { 'content-type': 'text/html' }).end(text);
    case 'throw':
      throw new Error('an error that nobody catches');
    default:
      return response.writeHead(500).end(`no such mode: ${mode}`);
  }
}

for (const port of ports) {
  const server = http.createServer((request, response) =>
    answer(modes()[port] ?? 'fine', request, response));
  server.listen(Number(port), '127.0.0.1');
  setInterval(() => {
    if (modes()[port] === 'refuse' && server.listening) {
      server.close();
      server.closeAllConnections();
    }
  }, 50);
}
