/** Response metadata that an implementation set. */
export interface ResponseMetadata {
  readonly header: Headers | undefined;
  readonly trailer: Headers | undefined;
}
