import {
  clone,
  type DescFile,
  type DescMessage,
  type DescService,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** What one caller may see: the files of the services that it may call, and all they import. */
export class VisibleFiles {
  /** The full names of the services, in order. */
  readonly services: readonly string[];
  readonly #methods: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #files = new Map<string, DescFile>();
  /** The file of each symbol; made when one is first asked for. */
  #bySymbol: ReadonlyMap<string, DescFile> | undefined;

  /** @param methods The methods that the caller may call, by service. */
  constructor(methods: ReadonlyMap<DescService, ReadonlySet<string>>) {
    this.services = [...methods.keys()].map(({ typeName }) => typeName).sort();
    this.#methods = new Map([...methods].map(([{ typeName }, names]) => [typeName, names]));
    for (const { file } of methods.keys()) this.#add(file);
  }

  /** Whether it was made of the same methods. */
  showsJust(methods: ReadonlyMap<DescService, ReadonlySet<string>>): boolean {
    if (methods.size !== this.#methods.size) return false;
    return [...methods].every(([{ typeName }, names]) => {
      const shown = this.#methods.get(typeName);
      return shown?.size === names.size && shown.isSupersetOf(names);
    });
  }

  named(name: string): DescFile | undefined {
    return this.#files.get(name);
  }

  /** The file that declares a fully qualified name: a service, method, message, field, enum or extension. */
  declaring(symbol: string): DescFile | undefined {
    this.#bySymbol ??= new Map(
      [...this.#files.values()].flatMap((file) =>
        [...this.#symbolsOf(file)].map((symbol) => [symbol, file] as const)
      ),
    );
    return this.#bySymbol.get(symbol);
  }

  /** The numbers of the extensions of a message, with their files. */
  extensionsOf(typeName: string): ReadonlyMap<number, DescFile> {
    const found = new Map<number, DescFile>();
    for (const file of this.#files.values()) {
      const nested = messagesOf(file.messages).flatMap(({ nestedExtensions }) => nestedExtensions);
      for (const { extendee, number } of [...file.extensions, ...nested]) {
        if (extendee.typeName === typeName) found.set(number, file);
      }
    }
    return found;
  }

  /** Whether a message of that name is declared in one of the files. */
  hasMessage(typeName: string): boolean {
    return [...this.#files.values()].some(({ messages }) =>
      messagesOf(messages).some((message) => message.typeName === typeName)
    );
  }

  /**
   * A file and all it imports, in binary form, without the services and methods that the caller may not
   * call.
   *
   * @param sent The names of files that were sent before; they are left out, and these added.
   */
  withImports(file: DescFile, sent: Set<string>): Uint8Array[] {
    const name = nameOf(file);
    if (sent.has(name)) return [];
    sent.add(name);
    return [this.#binary(file), ...file.dependencies.flatMap((one) => this.withImports(one, sent))];
  }

  /** The file itself again, where it was sent before. */
  alone(file: DescFile): Uint8Array[] {
    return [this.#binary(file)];
  }

  #add(file: DescFile): void {
    const name = nameOf(file);
    if (this.#files.has(name)) return;
    this.#files.set(name, file);
    for (const imported of file.dependencies) this.#add(imported);
  }

  #binary(file: DescFile): Uint8Array {
    const proto = clone(FileDescriptorProtoSchema, file.proto);
    const before = proto.package === "" ? "" : `${proto.package}.`;
    proto.service = proto.service.filter(({ name }) => this.#methods.has(before + name));
    for (const service of proto.service) {
      const allowed = this.#methods.get(before + service.name)!;
      service.method = service.method.filter(({ name }) => allowed.has(name));
    }
    return toBinary(FileDescriptorProtoSchema, proto);
  }

  #symbolsOf(file: DescFile): ReadonlySet<string> {
    const services = file.services.filter(({ typeName }) => this.#methods.has(typeName));
    const messages = messagesOf(file.messages);
    const enums = [...file.enums, ...messages.flatMap(({ nestedEnums }) => nestedEnums)];
    const extensions = [
      ...file.extensions,
      ...messages.flatMap(({ nestedExtensions }) => nestedExtensions),
    ];
    return new Set([
      ...[...services, ...messages, ...enums, ...extensions].map(({ typeName }) => typeName),
      ...services.flatMap(({ typeName }) =>
        [...this.#methods.get(typeName)!].map((name) => `${typeName}.${name}`)
      ),
      ...messages.flatMap(({ typeName, fields }) =>
        fields.map(({ name }) => `${typeName}.${name}`)
      ),
    ]);
  }
}

/** A descriptor's own name keeps the ending that the generator leaves out. */
function nameOf({ proto }: DescFile): string {
  return proto.name;
}

function messagesOf(messages: readonly DescMessage[]): readonly DescMessage[] {
  return messages.flatMap((message) => [message, ...messagesOf(message.nestedMessages)]);
}
