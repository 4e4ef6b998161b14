// `npm run standalone [-- FOLDER]`: writes the executable and the container image of the command line.
// `--check`: prints why this machine cannot build them. Prints nothing if it can.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { sha256 } from '@soci/test-content';
import { buildExecutable } from './executable/build-executable.ts';
import { buildImage } from './image/build-image.ts';
import { missingRequirement } from './requirements.ts';

const [folder = 'dist-standalone'] = process.argv.slice(2);
const missing = missingRequirement();
if (folder === '--check') process.stdout.write(missing === undefined ? '' : `${missing}\n`);
else if (missing === undefined) await writeFiles(resolve(folder)).catch(({ message }: Error) => fail(message));
else fail(`cannot build the executable and the image: ${missing}`);

function fail(message: string): void {
  console.error(`error: ${message}`);
  process.exitCode = 1;
}

async function writeFiles(path: string): Promise<void> {
  mkdirSync(path, { recursive: true });
  const files = await Promise.all([buildExecutable(path), buildImage(path)]);
  for (const file of files.flat()) {
    console.log(`${sha256(readFileSync(file))}  ${(statSync(file).size / 1e6).toFixed(1).padStart(6)} MB  ${file}`);
  }
}
