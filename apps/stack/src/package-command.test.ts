import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@soci/test-content/vitest';
import { describe, expect, it } from 'vitest';
import { runPackageCommand } from './package-command.ts';

describe('the command', () => {
  it('writes the folder, and prints how to upload and deploy it', async () => {
    const here = temporaryFolder();
    const printed = await runPackageCommand(['out'], here);
    expect(readdirSync(join(here, 'out'))).toEqual(['cfn-ecr-aws-soci-index-builder']);
    expect(printed).toContain(`  aws s3 cp --recursive ${join(here, 'out')} s3://BUCKET/\n`);
    expect(printed).toContain(
      `--template-file ${here}/out/cfn-ecr-aws-soci-index-builder/templates/SociIndexBuilder.json`,
    );
    expect(printed).toMatch(/--parameter-overrides QSS3BucketName=BUCKET$/);
  });

  it('writes dist/package where no folder is said', async () => {
    const here = temporaryFolder();
    await runPackageCommand([], here);
    expect(existsSync(join(here, 'dist/package/cfn-ecr-aws-soci-index-builder/templates'))).toBe(true);
  });

  it('quotes what a shell would take for something else', async () => {
    const here = join(temporaryFolder(), "it's mine");
    const printed = await runPackageCommand(['out', '--prefix', "a(b)/it's/"], here);
    const folder = `'${here.replace("'", "'\\''")}/out`;
    expect(printed).toContain(`--recursive ${folder}' s3://BUCKET/`);
    expect(printed).toContain(`--template-file ${folder}/a(b)/it'\\''s/templates/SociIndexBuilder.json' \\`);
    expect(printed).toMatch(/'QSS3KeyPrefix=a\(b\)\/it'\\''s\/'$/);
  });

  it('tells in its usage what becomes of the folder', async () => {
    const printed = await runPackageCommand(['--help'], temporaryFolder());
    expect(printed.replaceAll(/\s+/g, ' ')).toContain('a folder that holds anything else is refused');
  });

  it.each([
    [['out', '--prefix', '../../x/'], 'the prefix "../../x/" is not folders'],
    [['out', '--prefix', '/x/'], 'the prefix "/x/" is not folders'],
    [['out', '--prefix', 'x'], 'the prefix "x" is not folders'],
    [['out', 'my', 'files'], 'one FOLDER, and not out and my and files'],
    [['out', '--wrong'], "Unknown option '--wrong'"],
    [['mine'], 'holds notes.txt, which is of no package'],
  ])('refuses %j, and writes nothing', async (args, message) => {
    const here = temporaryFolder();
    mkdirSync(join(here, 'mine'));
    writeFileSync(join(here, 'mine', 'notes.txt'), 'mine');
    await expect(runPackageCommand(args, here)).rejects.toThrow(message);
    expect(readdirSync(here, { recursive: true }).sort()).toEqual(['mine', join('mine', 'notes.txt')]);
  });
});
