/** What the Runtime API refuses, with the error types of its specification. */
export class RuntimeRefusal extends Error {
  override readonly name = 'RuntimeRefusal';
  readonly status: number;
  readonly errorType: string;

  constructor(status: number, errorType: string, message: string) {
    super(message);
    this.status = status;
    this.errorType = errorType;
  }
}
