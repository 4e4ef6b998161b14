import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Output, printable } from '@soci/cli/internal';

/** Says what to try next. */
export async function suggestNext(folder: string, file: string | undefined, output: Output): Promise<void> {
  const installed = join('node_modules', '.bin', 'soci-index');
  const program = existsSync(installed) ? `./${installed}` : 'soci-index';
  const commands: (readonly [command: string, purpose: string])[] = [
    [`${program} inspect oci:${folder}`, 'the image that was made'],
    [`${program} ls oci:${folder} /`, 'its files'],
    ...(file === undefined ? [] : [[`${program} cat oci:${folder} /${printable(file)}`, 'one of them'] as const]),
    ['npm start -- oci:DIR', 'the same with your image, from an OCI layout'],
    ['npm start -- HOST/REPO:TAG', 'or from a registry'],
    [`${program} convert HOST/REPO:TAG HOST/REPO:TAG-soci`, 'index it in your own registry'],
    ['npm start -- --help', 'the options'],
  ];
  await output.writeLine();
  await output.writeLine(output.style.bold('Try next'));
  const room = output.width - 4 - Math.max(...commands.map(([, purpose]) => purpose.length));
  const width = Math.max(0, ...commands.map(([command]) => command.length).filter((length) => length <= room));
  for (const [command, purpose] of commands) {
    const comment = command.length > width ? '' : `${' '.repeat(width - command.length)}  ${output.style.dim(purpose)}`;
    await output.writeLine(`  ${command}${comment}`);
  }
}
