// Writes the packages of the construct for other languages: `main.ts TARBALL FOLDER`. A release runs it in its clone.
import { writeLanguagePackages } from './language-packages.ts';

const [tarball = '', folder = ''] = process.argv.slice(2);
await writeLanguagePackages(tarball, folder);
