package program

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Echo makes and reads the messages of the test's service.
type Echo struct {
	request, response protoreflect.MessageDescriptor
}

// Echo finds the messages of the test's service.
func (config Config) Echo() Echo {
	return Echo{
		request:  config.Message("selvage.test.v1.EchoRequest"),
		response: config.Message("selvage.test.v1.EchoResponse"),
	}
}

// NewRequest is an empty request.
func (echo Echo) NewRequest() *dynamicpb.Message { return dynamicpb.NewMessage(echo.request) }

// NewResponse is an empty response.
func (echo Echo) NewResponse() *dynamicpb.Message { return dynamicpb.NewMessage(echo.response) }

// Request is a request with these fields.
func (echo Echo) Request(text string, data []byte, count int) *dynamicpb.Message {
	message := echo.NewRequest()
	set(message, "text", protoreflect.ValueOfString(text))
	set(message, "data", protoreflect.ValueOfBytes(data))
	set(message, "count", protoreflect.ValueOfUint32(uint32(count)))
	return message
}

// Response is a response with these fields.
func (echo Echo) Response(text string, data []byte, index int) *dynamicpb.Message {
	message := echo.NewResponse()
	set(message, "text", protoreflect.ValueOfString(text))
	set(message, "data", protoreflect.ValueOfBytes(data))
	set(message, "index", protoreflect.ValueOfUint32(uint32(index)))
	return message
}

// Text is a message's text.
func Text(message proto.Message) string { return get(message, "text").String() }

// Data is a message's data.
func Data(message proto.Message) []byte { return get(message, "data").Bytes() }

// Number is one of a message's numbers.
func Number(message proto.Message, name protoreflect.Name) int {
	return int(get(message, name).Uint())
}

func set(message *dynamicpb.Message, name protoreflect.Name, value protoreflect.Value) {
	message.Set(message.Descriptor().Fields().ByName(name), value)
}

func get(message proto.Message, name protoreflect.Name) protoreflect.Value {
	reflected := message.ProtoReflect()
	return reflected.Get(reflected.Descriptor().Fields().ByName(name))
}
