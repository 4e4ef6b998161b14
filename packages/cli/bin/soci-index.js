#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { main } from '../dist/bundle/main.js';

// What a layer's entries take stays until the end. V8 would let the space for new objects grow to 32 MB on their account,
// and gain nothing.
setFlagsFromString('--semi-space-growth-factor=1');
process.exitCode = await main(process.argv.slice(2));
