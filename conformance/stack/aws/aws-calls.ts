/** Where everything is deployed. */
export const REGION = 'us-east-1';
/** Whose it is: moto's own account. */
export const ACCOUNT = '123456789012';

/** Versions of the APIs that are called with parameters in a form. */
const VERSIONS = { cloudformation: '2010-05-15', iam: '2010-05-08' } as const;

/** Calls to AWS's APIs in their three protocols, as far as the tests need them. Nothing is signed: moto looks at the service only. */
export class AwsCalls {
  /** Where all of it is. */
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Parameters in a form. @see Smithy, "AWS query protocol" @returns What `<Action>Result` holds. */
  async query<Result>(
    service: keyof typeof VERSIONS,
    action: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<Result> {
    const form = { Action: action, Version: VERSIONS[service], ContentType: 'JSON', ...parameters };
    const bytes = await this.#send(service, 'POST', `/?Action=${action}`, new URLSearchParams(form), {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    });
    const answer = JSON.parse(bytes.toString()) as Record<string, Record<string, Result>>;
    return answer[`${action}Response`]?.[`${action}Result`] as Result;
  }

  /** JSON to one address. @see Smithy, "AWS JSON protocols" */
  async json<Result>(service: string, target: string, input: object): Promise<Result> {
    const bytes = await this.#send(service, 'POST', '/', JSON.stringify(input), {
      'content-type': `application/x-amz-json-1.${service === 'sqs' ? 0 : 1}`,
      'x-amz-target': target,
    });
    return JSON.parse(bytes.toString() || '{}') as Result;
  }

  /** An address for each thing. */
  async get(service: string, path: string): Promise<Buffer> {
    return this.#send(service, 'GET', path, null, {});
  }

  /** Puts an object, or a bucket where the key is empty, into Amazon S3. */
  async putObject(bucket: string, key: string, content: Uint8Array): Promise<void> {
    await this.#send('s3', 'PUT', `/${bucket}${key && `/${key}`}`, Buffer.from(content), {});
  }

  async #send(
    service: string,
    method: string,
    path: string,
    body: BodyInit | null,
    headers: Record<string, string>,
  ): Promise<Buffer> {
    const scope = `AKIDEXAMPLE/20260101/${REGION}/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`;
    const answer = await fetch(this.url + path, { method, body, headers: { ...headers, authorization } });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) throw new Error(`${service} ${method} ${path}: ${answer.status} ${bytes}`);
    return bytes;
  }
}
