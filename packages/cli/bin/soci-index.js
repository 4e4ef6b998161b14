#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { main } from '../dist/bundle/main.js';

// The entries of a layer live until the end of the build. Without this flag, V8 would grow its space for new objects to
// 32 MB because of them, without any benefit.
setFlagsFromString('--semi-space-growth-factor=1');
process.exitCode = await main(process.argv.slice(2));
