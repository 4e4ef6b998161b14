#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { main } from '../dist/bundle/main.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  // npm only warns. Without this, the first function that Node.js lacks would look like a bug.
  console.error(
    `soci-index: it needs Node.js 22.15 or later, and this is ${process.version}. Install a later version.`,
  );
  process.exitCode = 1;
} else {
  // The entries of a layer live until the end of the build. Without this flag, V8 would grow its space for new objects to
  // 32 MB because of them, without any benefit.
  setFlagsFromString('--semi-space-growth-factor=1');
  process.exitCode = await main(process.argv.slice(2));
}
