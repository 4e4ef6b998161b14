import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readTemplate, type TemplateName } from '../templates/templates.ts';
import { ACCOUNT, type AwsCalls, REGION } from './aws-calls.ts';

/** Zips that the construct ships. */
const ASSETS = join(dirname(createRequire(import.meta.url).resolve('@soci/construct/package.json')), 'assets');

/** The bucket that `cdk bootstrap` makes. */
const BUCKET = `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`;

/** Makes what `cdk bootstrap` makes, as far as stacks need it, and what `cdk deploy` puts there: the code of a template's functions. */
export async function bootstrap(aws: AwsCalls, template: TemplateName): Promise<void> {
  const parameter = { Name: '/cdk-bootstrap/hnb659fds/version', Value: '28', Type: 'String' };
  await aws.json('ssm', 'AmazonSSM.PutParameter', parameter);
  await aws.putObject(BUCKET, '', new Uint8Array());
  const functions = Object.values(readTemplate(template).Resources).filter(
    ({ Type }) => Type === 'AWS::Lambda::Function',
  );
  for (const { Properties } of functions) {
    const { Code } = Properties as { Code: { S3Key: string } };
    await aws.putObject(BUCKET, Code.S3Key, readFileSync(join(ASSETS, 'generator.zip')));
  }
}
