// `npm run stack:package -- [OPTIONS] [FOLDER]`: writes the plain template and the zips of the functions to a folder, and
// optionally uploads them to a bucket.
import { runPackageCommand } from './package-command.ts';

try {
  // npm runs scripts in the root of the repository. INIT_CWD is the folder in which the user started npm.
  console.log(await runPackageCommand(process.argv.slice(2), process.env.INIT_CWD ?? '.'));
} catch (error) {
  console.error(`package: ${(error as Error).message}`);
  process.exitCode = 1;
}
