import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { runPackageCommand } from './package-command.ts';

describe('runPackageCommand', () => {
  it('writes the folder, and prints the commands to upload and deploy it', async () => {
    const here = temporaryFolder();
    const printed = await runPackageCommand(['out'], here);
    expect(readdirSync(join(here, 'out'))).toEqual(['cfn-ecr-aws-soci-index-builder', 'deploy.sh']);
    expect(printed).toContain(`  sh ${join(here, 'out')}/deploy.sh\n`);
    expect(printed).toContain(`  aws s3 cp --recursive ${join(here, 'out')} s3://BUCKET/\n`);
    expect(printed).toContain(
      `--template-file ${here}/out/cfn-ecr-aws-soci-index-builder/templates/SociIndexBuilder.json`,
    );
    expect(printed).toMatch(/--parameter-overrides QSS3BucketName=BUCKET$/);
  });

  it('writes dist/package by default', async () => {
    const here = temporaryFolder();
    await runPackageCommand([], here);
    expect(existsSync(join(here, 'dist/package/cfn-ecr-aws-soci-index-builder/templates'))).toBe(true);
  });

  it('quotes words for the shell', async () => {
    const here = join(temporaryFolder(), "it's mine");
    const printed = await runPackageCommand(['out', '--prefix', "a(b)/it's/"], here);
    const folder = `'${here.replace("'", "'\\''")}/out`;
    expect(printed).toContain(`--recursive ${folder}' s3://BUCKET/`);
    expect(printed).toContain(`--template-file ${folder}/a(b)/it'\\''s/templates/SociIndexBuilder.json' \\`);
    expect(printed).toMatch(/'QSS3KeyPrefix=a\(b\)\/it'\\''s\/'$/);
  });

  it('explains in its help text what happens to the folder', async () => {
    const printed = await runPackageCommand(['--help'], temporaryFolder());
    expect(printed.replaceAll(/\s+/g, ' ')).toContain(
      'If FOLDER contains other files, the command fails and changes nothing.',
    );
  });

  it.each([
    [['out', '--prefix', '../../x/'], 'invalid prefix "../../x/"'],
    [['out', '--prefix', '/x/'], 'invalid prefix "/x/"'],
    [['out', '--prefix', 'x'], 'invalid prefix "x"'],
    [['out', 'my', 'files'], 'expected one FOLDER, got out, my, files'],
    [['out', '--wrong'], "Unknown option '--wrong'"],
    [['mine'], 'contains notes.txt, which is not part of a package'],
  ])('rejects %j and writes nothing', async (args, message) => {
    const here = temporaryFolder();
    mkdirSync(join(here, 'mine'));
    writeFileSync(join(here, 'mine', 'notes.txt'), 'mine');
    await expect(runPackageCommand(args, here)).rejects.toThrow(message);
    expect(readdirSync(here, { recursive: true }).sort()).toEqual(['mine', join('mine', 'notes.txt')]);
  });
});
