// Runs the function of a custom resource once: `{ code, event }` as JSON on standard input, what it tells CloudFormation on
// standard output. `code` is CommonJS, as it stands in the template. The function's last argument is how it sends its answer,
// which over HTTPS would go to Amazon S3.
import { writeSync } from 'node:fs';
import { text } from 'node:stream/consumers';

const { code, event } = JSON.parse(await text(process.stdin));
// What the function logs would stand before its answer.
console.log = console.error;
const bundle = { exports: {} };
new Function('module', 'exports', 'require', code)(
  bundle,
  bundle.exports,
  process.getBuiltinModule('module').createRequire(import.meta.url),
);
await bundle.exports.handler(event, undefined, async (_url, body) => {
  writeSync(1, body);
});
