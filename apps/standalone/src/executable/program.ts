// The program of the executable. `bin/soci-index.js` of the npm package does the same.
import { setFlagsFromString } from 'node:v8';
import { main } from '@soci/cli/internal';

// See bin/soci-index.js. Not part of the executable's configuration: a flag at start would invalidate the code cache.
setFlagsFromString('--semi-space-growth-factor=1');
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
