@0xd02629986a0510f2;
# Who speaks. Follows opentelemetry-proto's resource/v1.
using Common = import "common.capnp";

struct Resource {
  droppedAttributesCount @0 :UInt32;
  attributes @1 :List(Common.KeyValue);
  entityRefs @2 :List(EntityRef);
}

struct EntityRef {
  # Names the attributes of the resource that identify and describe one entity.
  schemaUrl @0 :UInt32;
  type @1 :UInt32;
  idKeys @2 :List(UInt32);
  descriptionKeys @3 :List(UInt32);
}
