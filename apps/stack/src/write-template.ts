// `pnpm --filter stack template [FOLDER]`: writes the plain template and the zips of the functions, as a bucket is to have them.
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { FILTER_BUNDLE, GENERATOR_BUNDLE } from '@soci/functions';
import { FUNCTION_KEYS } from './function-keys.ts';
import { plainTemplate } from './plain-template.ts';

const PREFIX = 'cfn-ecr-aws-soci-index-builder';
const [folder = 'dist/package'] = process.argv.slice(2);
const output = resolve(process.env.INIT_CWD ?? '.', folder);

// Under another name until all of it is there.
const unfinished = `${output}.part`;
rmSync(unfinished, { recursive: true, force: true });
const template = join(PREFIX, 'templates', 'SociIndexBuilder.json');
for (const [key, { zip }] of [
  [FUNCTION_KEYS.filter, FILTER_BUNDLE],
  [FUNCTION_KEYS.generator, GENERATOR_BUNDLE],
] as const) {
  const path = join(unfinished, PREFIX, key);
  mkdirSync(dirname(path), { recursive: true });
  cpSync(zip, path);
}
mkdirSync(dirname(join(unfinished, template)), { recursive: true });
writeFileSync(join(unfinished, template), `${JSON.stringify(plainTemplate(), undefined, 2)}\n`);
rmSync(output, { recursive: true, force: true });
renameSync(unfinished, output);
console.log(`${join(output, template)}
Upload the folder to a bucket in the Region of the stack, and deploy:
  aws s3 cp --recursive ${output} s3://BUCKET/
  aws cloudformation deploy --stack-name soci-index-builder --template-file ${join(output, template)} --capabilities CAPABILITY_IAM --parameter-overrides QSS3BucketName=BUCKET`);
