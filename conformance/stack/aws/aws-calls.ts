/** Region of all deployments. */
export const REGION = 'us-east-1';
/** Account of moto. */
export const ACCOUNT = '123456789012';

/** Versions of the query APIs. */
const VERSIONS = { cloudformation: '2010-05-15', iam: '2010-05-08' } as const;

/** Calls AWS APIs in three protocols. Requests have no valid signature: moto only reads the service from it. */
export class AwsCalls {
  /** Endpoint of all services. */
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Calls a query API. @see Smithy, "AWS query protocol" @returns Content of `<Action>Result`. */
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

  /** Calls a JSON API. @see Smithy, "AWS JSON protocols" */
  async json<Result>(service: string, target: string, input: object): Promise<Result> {
    const bytes = await this.#send(service, 'POST', '/', JSON.stringify(input), {
      'content-type': `application/x-amz-json-1.${service === 'sqs' ? 0 : 1}`,
      'x-amz-target': target,
    });
    return JSON.parse(bytes.toString() || '{}') as Result;
  }

  /** Calls a REST API with GET. */
  async get(service: string, path: string): Promise<Buffer> {
    return this.#send(service, 'GET', path, null, {});
  }

  /** Puts an object into Amazon S3. With an empty key, creates the bucket. */
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
